"""Train a LiDAR-camera teacher and a camera student on MiniDrive where a fifth of the training scenes have labels: the
student alone, on all scenes and on the labelled ones, and under the teacher (RadOcc). All of them take the same steps.
Write a report.

Two trainings run at once. Every step that finished is remembered in the work directory: run the same command again
after an interruption and it goes on where it stopped. Training resumes from its last checkpoint.
"""

from projects.cli import run_tool
from projects.studies.demo import Demo

TEACHER = 'configs/bevfusion_occ/bevfusion-occ_lite0_1xb1-6e_minidrive.py'
STUDENT = 'configs/flashocc/flashocc_lite0_1xb1-6e_minidrive.py'
RADOCC = 'configs/radocc/radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
LABEL_PART = 0.2
EPOCHS = 5


class RadOccDemo(Demo):
    """A teacher, its student alone in two ways, and the student under the teacher."""

    work_dir, data_root = 'work_dirs/demo', 'data/minidrive'
    tiny_epochs = 4
    tiny_options = ('default_hooks.logger.interval=2', 'log_processor.window_size=4')
    jobs = 2

    @classmethod
    def parser(cls, description=None):
        """The command line."""
        parser = super().parser(description)
        text = 'train in float32 instead of bfloat16 autocast'
        parser.add_argument('--no-amp', dest='amp', action='store_false', help=text)
        return parser

    def learn(self, name, title, config, *options, labelled_only=False, after=()):
        """Step that trains with few labels, on all frames or, for the same number of steps, on those with labels."""
        parts = [f'train_dataloader.dataset.label_part={LABEL_PART}']
        if labelled_only:
            sampler = 'train_dataloader.sampler'
            parts += [f'{sampler}.type=LabelledShareSampler', f'{sampler}.labelled_share=1.0']
        return self.train(name, title, config, *parts, *options, epochs=EPOCHS, after=('infos', *after))

    def steps(self):
        """All steps in order."""
        taught = f'model.teacher_ckpt={self.trained("teacher", TEACHER, EPOCHS)}'
        report = ('tools/analysis_tools/radocc_report.py', '--label-part', LABEL_PART)
        return [
            self.create('generate MiniDrive'),
            self.infos('occ3d-nus', '--version', 'v1.0-minidrive'),
            self.learn('teacher', 'train the LiDAR-camera teacher', TEACHER, labelled_only=True),
            self.learn('baseline', 'train the camera student alone', STUDENT),
            self.learn('radocc', 'train the student under the teacher (RadOcc)', RADOCC, taught, after=('teacher',)),
            self.learn('labelled', 'train the student on the labelled scenes alone', STUDENT, labelled_only=True),
            self.report(*report, teacher=TEACHER, student=STUDENT, radocc=RADOCC),
        ]


def main():
    """Run what is left of the demo."""
    RadOccDemo(RadOccDemo.parser(__doc__).parse_args()).run()


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
