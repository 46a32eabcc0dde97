import pandas as pd

from pipeline.stages.record import devices_of


def trained_on(folder, *devices):
    folders = {}
    for stage, device in zip(("train-detector", "train-segmenter"), devices, strict=True):
        folders[stage] = folder / stage
        folders[stage].mkdir(parents=True)
        pd.DataFrame({"epoch": [1], "device": [device]}).to_parquet(folders[stage] / "history.parquet")
    return folders


def test_a_run_names_the_devices_of_its_training_where_they_are_others(tmp_path):
    here, there = trained_on(tmp_path / "here", "cpu", "cpu"), trained_on(tmp_path / "there", "cpu", "NVIDIA X")
    assert devices_of("cpu", [here]) == "cpu"
    assert devices_of("NVIDIA X", [here]) == "NVIDIA X, trained on cpu"
    assert devices_of("cpu", [here, there]) == "cpu, trained on NVIDIA X and cpu"
