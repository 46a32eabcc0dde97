import os

import pytest

from models.errors import UsageError
from models.given_yaml import MOST_BYTES, read_yaml


def lines(depth):
    return "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 1}]" for n in range(depth))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: *b", "no YAML"),
        ("a: [1\nb: 2", "line 2: no YAML"),
        ("[" * 30_000, "nested too deeply"),
        (lines(9), "values"),
        (f"a: {'9' * 30}", "18 digits"),
        (f"a: {'9' * 5000}", "digits"),
        ("a: &a [*a]", "values"),
        ("a: é".encode("latin-1"), "decode"),
        ("#" * (MOST_BYTES + 1), "more than 1 MB"),
        ("? {a: b}\n: 1", "no YAML"),
        ("a: !!python/object/apply:os.getcwd []", "no YAML"),
    ],
)
def test_what_a_file_may_not_be_is_told(tmp_path, text, told):
    path = tmp_path / "camera.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as error:
        read_yaml(path, f"The file {path}", "Write another.")
    assert told in error.value.problem
    assert str(path) in error.value.problem
    assert len(error.value.problem) < 500
    assert "Write another." in error.value.remedy


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not a file"):
        read_yaml(tmp_path / "pipe", "The pipe", "")
    with pytest.raises(UsageError, match="directory"):
        read_yaml(tmp_path, "The folder", "")


def test_what_stands_there_is_read(tmp_path):
    (tmp_path / "a.yaml").write_bytes("\ufeffa: [1, 2.5, é]\n".encode())
    assert read_yaml(tmp_path / "a.yaml", "it", "") == {"a": [1, 2.5, "é"]}
