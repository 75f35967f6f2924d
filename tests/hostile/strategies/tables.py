"""CSV tables with cells, rows and columns that are wrong, or that are no tables."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.hostile.strategies.damage import damaged

CELLS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e999", "5", "-5", "1e-320", "0.5", "1_000", "0x10",
    "\u0661", "true", "None", '"', '""', '"a', "a\nb", '"a\nb"', "a\0b", "$x^{", "<b>&", "../../x",
    "=1+1", "9" * 400, "x" * 7000, "O", "X", "\uff11", "\u202e", "hh", "svm", "w", "mapping_split1",
    "eyes_corr", "eyes_mean_corr", "case", "n", "Unnamed: 0", "'", ";", "\t", "1e16", "0.1.2",
)  # fmt: skip
WAYS = ("cell", "cell", "cell", "head", "drop row", "drop column", "repeat row", "repeat column",
        "comma", "short", "swap")  # fmt: skip

RESULT = """case,group_name,passed,eyes_corr,mouth_corr,pose_corr,sum_abs_corr,hair_iou
0,hh,O,0.95,0.9,0.91,2.76,0.9
1,ll,X,-0.2,0.9,,,0.8
2,hl,O,0.99,0.9,0.91,2.8,
"""
REFERENCE = """,vector_no,svm_group_name,eyes_corr,mouth_corr,pose_corr,eyes_abs_corr
0,0,hhhh,-0.95,0.9,0.91,0.95
1,1,llll,0.93,0.8,-0.91,0.93
"""
CURVE = """method,layer,n,k,time,svm_eyes_acc,eyes_mean_corr,mouth_mean_corr,sum_mean_corr
svm,w,1000,200,1.5,0.9,0.8,0.7,1.5
svm,w,2000,400,2.5,0.9,0.85,0.75,1.6
gradient,w,1000,,1.5,,0.9,0.7,1.6
"""
REFERENCE_CURVE = """,n,k,time,svm_eyes_acc,eyes_mean_corr,mouth_mean_corr,pose_mean_corr
0,1000,200,1.5,0.9,0.8,0.7,0.5
1,2000,400,1.5,0.9,0.82,0.7,0.5
"""
LABELS = "file,smile,age\n000000.png,0.5,1\n000001.png,,-2\n"
BOUNDARY = ",0,1,2,3\n0,0.5,-0.5,0.5,0.5\n"


def spoiled(text: str) -> st.SearchStrategy[bytes]:
    """The table with one to three things wrong, or its bytes damaged."""
    step = st.tuples(
        st.sampled_from(WAYS), st.integers(0, 40), st.integers(0, 40), st.sampled_from(CELLS)
    )
    steps = st.lists(step, min_size=1, max_size=3)
    wrong = st.builds(lambda chosen: _applied(text, chosen), steps)
    odd = st.sampled_from((b"", b"\n", b",\n", b"\xef\xbb\xbf", b"\0", b"a", b"a,b\n" * 3, b'"'))
    return st.one_of(wrong, wrong, damaged(text.encode()), odd)


def _applied(text: str, steps: list[tuple[str, int, int, str]]) -> bytes:
    rows = [line.split(",") for line in text.splitlines()]
    for way, i, j, cell in steps:
        if not rows:
            break
        row = rows[i % len(rows)]
        column = j % max(len(row), 1)
        if way == "cell" and row:
            row[column] = cell
        elif way == "head" and rows[0]:
            rows[0][j % len(rows[0])] = cell
        elif way == "drop row":
            rows.remove(row)
        elif way == "repeat row":
            rows.insert(j % len(rows), list(row))
        elif way == "comma":
            row.append("")
        elif way == "short":
            del row[column:]
        elif way == "swap":
            row.reverse()
        else:
            _columns(rows, column, way)
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass") + b"\n"


def _columns(rows: list[list[str]], column: int, way: str) -> None:
    for row in rows:
        if column < len(row) and way == "drop column":
            del row[column]
        elif column < len(row):
            row.append(row[column])
