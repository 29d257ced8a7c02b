"""An interactive 3D view of occupancy as one HTML file that opens offline."""

from .page import viewer_page, write_viewer
from .scene import ViewerCamera, ViewerFrame, VoxelSpec

__all__ = ['ViewerCamera', 'ViewerFrame', 'VoxelSpec', 'viewer_page', 'write_viewer']
