"""What MkDocs calls while it builds the site: pages from files outside ``docs/``, and links that lead there."""

import logging
import re

import repository
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# Below this name of a logger, warnings end a strict build.
log = logging.getLogger('mkdocs.hooks.docs_site')
_SPHINX = re.compile(r':(?:attr|class|func|math|meth|mod|obj):|\.\. \w+::')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in ``docs/``."""
    for source, place in repository.pages_outside_docs().items():
        files.append(File.generated(config, place, abs_src_path=str(repository.REPO / source)))
    for package in repository.public_packages():
        files.append(File.generated(config, f'api/{package}.md', content=repository.api_page(package)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page that is a file of the repository."""
    places = repository.places_in_site()
    sources = {place: source for source, place in places.items()}
    source = sources.get(page.file.src_uri)
    if source is None:
        return markdown
    text, missing = repository.rewrite_links(markdown, source, places, config.repo_url.rstrip('/'))
    for target in missing:
        log.warning('%s links to %s, which does not exist', source, target)
    return text


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Look for markup of Sphinx that ``docstrings.py`` does not know."""
    for found in sorted(set(_SPHINX.findall(output))):
        log.warning('%s shows markup of Sphinx: %s', page.file.src_uri, found)
    return output
