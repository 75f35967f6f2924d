"""Reading back: the reference's files as they are, our own, and what is wrong with others."""

import numpy as np
import pytest

from reports import reading

REFERENCE = """,case,vector_no,passed,svm_group_name,eyes_corr,mouth_corr,pose_corr,sum_abs_corr
0,0,0,O,hhll,-0.9334,-0.8884,-0.9338,2.7556
1,1,0,X,lhhh,-0.9057,-0.8781,0.8860,2.6698

"""
OURS = """case,group_name,passed,eyes_corr,background_mean_corr,sum_abs_corr
0,hhll,X,0.9500,,
1,?,O,0.9500,0.9000,1.8500
"""
SVM_CURVE = """,n,k,time,svm_eyes_acc,eyes_mean_corr,mouth_mean_corr,sum_mean_corr
0,4000,800,498.61,0.89,0.8312,0.8101,1.6413
1,8000,1600,682.15,0.92,0.8449,0.8185,1.6634
"""


def test_the_references_table_of_cases_is_read_as_it_is():
    table = reading.read_results(REFERENCE)
    expected = "case,group_name,passed,eyes_corr,mouth_corr,pose_corr,sum_abs_corr"
    assert list(table.columns) == expected.split(",")
    assert table["group_name"].tolist() == ["hhll", "lhhh"]
    assert table["pose_corr"].tolist() == [-0.9338, 0.8860]
    assert table["sum_abs_corr"].tolist() == pytest.approx([2.7556, 2.6698])


def test_our_table_has_any_properties_and_undefined_corr_coefs():
    table = reading.read_results(OURS)
    assert reading.result_properties(table) == ("eyes", "background_mean")
    assert np.isnan(table.loc[0, ["background_mean_corr", "sum_abs_corr"]].astype(float)).all()
    assert table["passed"].tolist() == ["X", "O"]


def test_a_table_without_case_group_and_mark_is_read_too():
    table = reading.read_results("eyes_corr\n0.5\n-0.25\n")
    assert table["case"].tolist() == [0, 1]
    assert table["group_name"].tolist() == ["?", "?"]
    assert "passed" not in table


def test_method_and_layer_of_a_curve_come_from_its_name():
    table = reading.read_curve(SVM_CURVE, "svm_mapping_split2.csv")
    assert list(table.columns[:3]) == ["method", "layer", "n"]
    assert table.iloc[1][["method", "layer", "n"]].tolist() == ["svm", "mapping_split2", 8000]
    assert reading.curve_properties(table) == ("eyes", "mouth")
    mixed = reading.read_curve(SVM_CURVE, "mixed.csv").iloc[0]
    assert (mixed["method"], mixed["layer"]) == ("mixed", "mapping_split1")


def test_or_from_its_columns_or_as_given():
    row = reading.read_curve(SVM_CURVE, "n_curve.csv").iloc[0]
    assert (row["method"], row["layer"]) == ("svm", "?")
    row = reading.read_curve(SVM_CURVE, "n_curve.csv", method="mixed", layer="w").iloc[0]
    assert (row["method"], row["layer"]) == ("mixed", "w")
    own = "method,layer,n,eyes_mean_corr\ngradient,w,2000,0.9\nsvm,w,1000,0.8\n"
    table = reading.read_curve(own, "svm_mapping_split1.csv")
    assert table["method"].tolist() == ["gradient", "svm"]
    assert table["sum_mean_corr"].tolist() == [0.9, 0.8]


def test_curves_are_joined_in_order_and_never_twice():
    one = reading.read_curve(SVM_CURVE, "svm_w.csv")
    other = reading.read_curve("n,eyes_mean_corr\n1000,0.9\n", "gradient_w.csv")
    table = reading.join_curves([one, other])
    assert table["method"].tolist() == ["gradient", "svm", "svm"]
    assert table["k"].tolist()[1:] == [800, 1600]
    assert str(table["k"].dtype) == "Int64"
    with pytest.raises(ValueError, match="svm / w at n = 4000 stands twice"):
        reading.join_curves([one, one])


@pytest.mark.parametrize(
    ("text", "kind"), [(REFERENCE, "result"), (OURS, "result"), (SVM_CURVE, "curve")]
)
def test_kind_is_told_from_the_columns(text, kind):
    assert reading.table_kind(text) == kind


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (reading.table_kind, "a,b\n1,2\n", "neither .* eyes_corr.* eyes_mean_corr.* has a, b"),
        (reading.table_kind, "", "not a CSV"),
        (reading.read_results, SVM_CURVE.replace("_corr", ""), "lacks a corr-coef .* has n, k"),
        (reading.read_results, "case,eyes_corr\n", "no cases"),
        (reading.read_results, "case,eyes_corr\n0,high\n", "eyes_corr holds 'high'"),
        (reading.read_results, "case,eyes_corr\n0,1.2\n", "outside -1 to 1"),
        (reading.read_results, "case,eyes_corr\n0.5,1\n", "case holds a value"),
        (reading.read_results, "passed,eyes_corr\nyes,1\n", "'yes'; it may hold O and X"),
        (reading.read_curve, REFERENCE, "lacks n and a mean"),
        (reading.read_curve, "n,eyes_mean_corr\n", "no rows"),
        (reading.read_curve, "n,eyes_mean_corr\n0,0.5\n", "n is 0"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(read, text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_tables_of_more_properties_than_can_be_shown_are_refused():
    header = ",".join(f"p{index}_corr" for index in range(65))
    with pytest.raises(ValueError, match="it has 65 properties; at most 64 are taken"):
        reading.read_results(f"{header}\n{','.join(['0.5'] * 65)}\n")
    header = ",".join(f"p{index}_mean_corr" for index in range(65))
    with pytest.raises(ValueError, match="it has 65 properties; at most 64 are taken"):
        reading.read_curve(f"n,{header}\n100,{','.join(['0.5'] * 65)}\n")
