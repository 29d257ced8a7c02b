from projects.engine import device_problem, plain_model


def test_the_student_of_a_distiller_is_the_model_that_predicts():
    student = {'type': 'Student', 'data_preprocessor': {'type': 'Own'}}
    assert plain_model(student) == student
    assert plain_model({'type': 'Distiller', 'student': student}) == student
    whole = {'type': 'Distiller', 'student': student, 'data_preprocessor': {'type': 'Whole'}}
    assert plain_model(whole) == {'type': 'Student', 'data_preprocessor': {'type': 'Whole'}}
    assert student['data_preprocessor'] == {'type': 'Own'}


def test_a_device_that_is_not_there_has_a_reason():
    assert device_problem('cpu') is None
    assert device_problem('cuda:99')
    assert 'toaster' in device_problem('toaster')
