"""An interactive 3D view of occupancy as one HTML file that opens offline."""

from .page import viewer_page, write_viewer
from .scene import ViewerCamera, ViewerFrame, VoxelSpec
from .voxels import cut_volumes

__all__ = ['ViewerCamera', 'ViewerFrame', 'VoxelSpec', 'cut_volumes', 'viewer_page', 'write_viewer']
