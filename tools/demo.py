"""Train a LiDAR-camera teacher and a camera student on MiniDrive, then go on with the student twice: alone, and under
the teacher (RadOcc). Both second stages have the same weights, steps, samples and augmentations. Write a report.

Every step that finished is remembered in the work directory: run the same command again after an interruption and it
goes on where it stopped. Training resumes from its last checkpoint.
"""

from projects.cli import run_tool
from projects.studies.demo import Demo

TEACHER = 'configs/bevfusion_occ/bevfusion-occ_mini_1xb1-7e_minidrive.py'
STUDENT = 'configs/flashocc/flashocc_mini_1xb1-7e_minidrive.py'
STAGE2 = 'configs/flashocc/flashocc_mini-stage2_1xb1-4e_minidrive.py'
RADOCC = 'configs/radocc/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive.py'


class RadOccDemo(Demo):
    """Teacher, student, and the second stage of the student alone and under the teacher."""

    work_dir, data_root = 'work_dirs/demo', 'data/minidrive'
    tiny_epochs = 4
    tiny_options = ('default_hooks.logger.interval=2', 'log_processor.window_size=4')

    @classmethod
    def parser(cls, description=None):
        """The command line."""
        parser = super().parser(description)
        text = 'train in float32 instead of bfloat16 autocast'
        parser.add_argument('--no-amp', dest='amp', action='store_false', help=text)
        return parser

    def steps(self):
        """All steps in order."""
        student, teacher = self.trained('student', STUDENT), self.trained('teacher', TEACHER)
        distilled = (f'model.student_ckpt={student}', f'model.teacher_ckpt={teacher}')
        return [
            self.create('generate MiniDrive'),
            self.infos('occ3d-nus', '--version', 'v1.0-minidrive'),
            self.train('teacher', 'train the LiDAR-camera teacher', TEACHER),
            self.train('student', 'train the camera student', STUDENT),
            self.train('baseline', 'go on with the student alone', STAGE2, f'load_from={student}'),
            self.train('radocc', 'go on with the student under the teacher (RadOcc)', RADOCC, *distilled),
            self.report('tools/analysis_tools/radocc_report.py', teacher=TEACHER, student=STAGE2, radocc=RADOCC),
        ]


def main():
    """Run what is left of the demo."""
    RadOccDemo(RadOccDemo.parser(__doc__).parse_args()).run()


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
