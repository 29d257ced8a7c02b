"""Train a LiDAR-camera teacher on one MiniDrive, where all scenes have labels, and a camera student on another one,
where three of 44 do: the student alone in two ways, and under the teacher, along rays (RadOcc) and by BEV features and
logits (EFFOcc's recipe). All take the same steps; half of those of a student show a frame with labels, or all of them
where it sees nothing else. Write a report.

Two trainings run at once, and the page is there from the data on: it grows with every model that is trained. Every step
that finished is remembered in the work directory: run the same command again after an interruption and it goes on where
it stopped. Training resumes from its last checkpoint.
"""

from projects.cli import run_tool
from projects.studies.demo import Demo, label_options

TEACHER = 'configs/bevfusion_occ/bevfusion-occ_lite0_1xb1-6e_minidrive.py'
STUDENT = 'configs/flashocc/flashocc_lite0_1xb1-6e_minidrive.py'
RADOCC = 'configs/radocc/radocc-effocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
LABEL_PART = 0.07  # three scenes of the preset mini
LABELLED_SHARE = 0.5  # part of the steps that show a labelled frame
EPOCHS = 4
ELSEWHERE = 100  # the seed of the teacher's data is so much larger


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

    def learn(self, name, title, config, *options, share=LABELLED_SHARE, after=()):
        """Step that trains a student with few labels and shows a labelled frame in a share of its steps."""
        labels = label_options(LABEL_PART, share)
        return self.train(name, title, config, *labels, *options, epochs=EPOCHS, after=('infos-other', *after))

    def steps(self):
        """All steps in order."""
        taught = f'model.teacher_ckpt={self.trained("teacher", TEACHER, EPOCHS)}'
        report = ('tools/analysis_tools/radocc_report.py', '--label-part', LABEL_PART)
        configs = {'teacher': TEACHER, 'student': STUDENT, 'radocc': RADOCC}
        layout, elsewhere = ('occ3d-nus', '--version', 'v1.0-minidrive'), {'other': ELSEWHERE}
        title, after = 'train the LiDAR-camera teacher elsewhere', ('infos-other',)
        trainings = [
            self.train('teacher', title, TEACHER, epochs=EPOCHS, after=after, **elsewhere),
            self.learn('baseline', 'train the camera student alone', STUDENT),
            self.learn('radocc', 'train the student under the teacher', RADOCC, taught, after=('teacher',)),
            self.learn('labelled', 'train the student on the labelled scenes alone', STUDENT, share=1.0),
        ]
        first_page, *steps = self.with_pages(trainings, *report, **configs)
        return [
            self.create('generate MiniDrive'),
            self.infos(*layout),
            first_page,
            self.create('generate the MiniDrive of the teacher', **elsewhere),
            self.infos(*layout, **elsewhere),
            *steps,
            self.report(*report, **configs),
        ]


def main():
    """Run what is left of the demo."""
    RadOccDemo(RadOccDemo.parser(__doc__).parse_args()).run()


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
