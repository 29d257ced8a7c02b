# What Swin-B models with temporal stereo have instead of ResNet-50 (FlashOcc M3, BEVDet-Occ, the student of RadOcc):
# windows of 12 x 12, one level of 512 channels, and the depth network of BEVDet's code.
swin_b = dict(
    img_backbone=dict(
        type='StereoSwinTransformer',
        embed_dims=128,
        depths=[2, 2, 18, 2],
        num_heads=[4, 8, 16, 32],
        window_size=12,
        drop_path_rate=0.1,
        out_indices=(0, 2, 3),  # the first is matched
        with_cp=True,  # blocks are computed twice, as upstream: a tenth of the memory
        convert_weights=True,
        init_cfg=dict(type='Pretrained', checkpoint='imagenet://swin-b'),
    ),
    img_neck=dict(type='LSSFPN', in_channels=[512, 1024], out_channels=512, extra_upsample=1),
    depth_net=dict(type='BEVStereoDepthNet', mid_channels=512),
)
