"""Column names are those of the reference system's tables."""

from reports import columns as c


def test_names_are_the_references():
    assert c.corr_column("eyes") == "eyes_corr"
    assert c.corr_mean_column("mouth") == "mouth_corr_mean"
    assert c.mean_corr_column("pose") == "pose_mean_corr"
    assert c.svm_accuracy_column("eyes") == "svm_eyes_acc"
    assert c.network_mse_column("eyes") == "nn_eyes_mse"
