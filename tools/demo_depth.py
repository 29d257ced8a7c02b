"""Train a stereo teacher and its left-twice control on one MiniDrive in KITTI format, where all drives have LiDAR. On
another one, where seven of 72 do, train a monocular student alone and under the teacher (ADU-Depth). Write a report.

Both students take the same steps. Alone, the student sees frames with LiDAR in all of them, for it learns nothing from
the others; under the teacher in half. Two trainings run at once, and the page is there from the data on: it grows with
every model that is trained. Every step that finished is remembered in the work directory: run the same command again
after an interruption and it goes on where it stopped. Training resumes from its last checkpoint.
"""

from projects.cli import run_tool
from projects.studies.demo import Demo, label_options

TEACHER = 'configs/stereo_depth/stereo-depth_lite0_1xb4-6e_minidrive.py'
CONTROL = 'configs/stereo_depth/stereo-depth-left-twice_lite0_1xb4-6e_minidrive.py'
STUDENT = 'configs/mono_depth/mono-depth_lite0_1xb4-12e_minidrive.py'
ADUDEPTH = 'configs/adudepth/adudepth-few-labels_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
LABEL_PART = 0.1  # seven drives of the preset mini
LABELLED_SHARE = 0.5  # part of the steps under the teacher that show a frame with LiDAR
ELSEWHERE = 100  # the seed of the teacher's data is so much larger

CROP_STEP = 2


class AduDepthDemo(Demo):
    """Teacher, its control, and the student alone and under the teacher, with one seed or several."""

    work_dir, data_root = 'work_dirs/demo_depth', 'data/minidrive-kitti'
    tiny_epochs = 2
    tiny_options = (
        # Images of the tiny preset are smaller than the crops of the configs.
        f'train_dataloader.dataset.pipeline.{CROP_STEP}.size=[96,320]',
        'train_dataloader.batch_size=2',
        'default_hooks.logger.interval=1',
        'log_processor.window_size=2',
    )
    jobs = 2

    def __init__(self, args):
        if args.seeds < 1:
            self.parser().error('--seeds must be at least 1')
        super().__init__(args)

    @classmethod
    def parser(cls, description=None):
        """The command line."""
        parser = super().parser(description)
        text = 'train both students with this many seeds, beginning at --seed (default 1)'
        parser.add_argument('--seeds', type=int, default=1, help=text)
        text = 'bfloat16 autocast; slower than float32 on many processors'
        parser.add_argument('--amp', action='store_true', help=text)
        return parser

    def students(self, seed):
        """Steps that train both students with one seed, from the same weights."""
        suffix = '' if seed == self.args.seed else f'-seed{seed}'
        said = f' (seed {seed})' if suffix else ''
        init = self.args.work_dir / f'student_init{suffix}.pth'
        draw = ('tools/model_converters/init_weights.py', STUDENT, init, '--seed', seed)
        title, after = f'draw the weights that both students start from{said}', ('infos-other', f'init{suffix}')
        few = label_options(LABEL_PART, 1.0), label_options(LABEL_PART, LABELLED_SHARE)
        distilled = (f'model.student_ckpt={init}', f'model.teacher_ckpt={self.trained("teacher", TEACHER)}')
        alone, taught = f'train the student alone{said}', f'train the student under the teacher{said}'
        start = f'load_from={init}'
        return [
            self.step(f'init{suffix}', title, *draw, after=('infos-other',), makes=init),
            self.train(f'baseline{suffix}', alone, STUDENT, *few[0], start, seed=seed, after=after),
            self.train(
                f'adudepth{suffix}', taught, ADUDEPTH, *few[1], *distilled, seed=seed, after=(*after, 'teacher')
            ),
        ]

    def steps(self):
        """All steps in order."""
        first, seeds = self.args.seed, self.args.seeds
        report = ('tools/analysis_tools/adudepth_report.py', '--seeds', seeds, '--label-part', LABEL_PART)
        configs = {'teacher': TEACHER, 'control': CONTROL, 'student': STUDENT, 'adudepth': ADUDEPTH}
        elsewhere = {'other': ELSEWHERE}
        twice, after = 'train the control, which sees the left image twice', ('infos-other',)
        trainings = [
            self.train('teacher', 'train the stereo teacher elsewhere', TEACHER, after=after, **elsewhere),
            *(step for seed in range(first, first + seeds) for step in self.students(seed)),
            # Last, for nothing waits for it; it fills the core that is free while the student waits for its teacher.
            self.train('control', twice, CONTROL, after=after, **elsewhere),
        ]
        first_page, *steps = self.with_pages(trainings, *report, **configs)
        return [
            self.create('generate MiniDrive as stereo pairs', '--format', 'kitti'),
            self.infos('kitti-depth'),
            first_page,
            self.create('generate the MiniDrive of the teacher', '--format', 'kitti', **elsewhere),
            self.infos('kitti-depth', **elsewhere),
            *steps,
            self.report(*report, **configs),
        ]


def main():
    """Run what is left of the demo."""
    AduDepthDemo(AduDepthDemo.parser(__doc__).parse_args()).run()


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
