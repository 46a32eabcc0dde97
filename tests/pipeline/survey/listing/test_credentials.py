"""Secrets in addresses are found however they are written, and never repeated."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from models.errors import UsageError
from pipeline.survey.listing.credentials import (
    carries_credentials,
    find_credentials,
    refuse_credentials,
    without_credentials,
)
from pipeline.survey.settings import SurveySettings

SECRETS = [
    "s3://AKIA:hunter2@roads/A7",
    "s3://AKIA:hun/ter2@roads/A7",
    "s3://AKIA:hunter2%40@roads",
    "https://hunter2@github.example/photos",
    "https://user:hun?ter2@host/a",
    "tcp://dask:hunter2@scheduler:8786",
    "redis://:hunter2@host:6379/0",
    "sftp://survey:hunter2@host/a",
    "sftp://survey%3Ahunter2@host/a",
    "simplecache::https://user:hunter2@host/a",
    "zip://*.jpg::s3://AKIA:hunter2@roads/a.zip",
    "https://host/1.jpg?X-Amz-Credential=AKIA&X-Amz-Signature=hunter2",
    "https://host/1.jpg?Expires=1&AWSAccessKeyId=AKIA&Signature=hunter2",
    "https://acc.blob.core.windows.net/c/1.jpg?sv=2024&sig=hunter2",
    "https://host/1.jpg?page=2&access_token=hunter2",
    "https://host/1.jpg#token=hunter2",
    "https://host/1.jpg?api-key=hunter2",
    "https://host/1.jpg?a=1;password=hunter2",
    "ray://host:10001?secret=hunter2",
]
PLAIN = [
    "photos",
    "/mnt/photos/12:30@camera/*.jpg",
    "C:\\photos\\a@b",
    "s3://roads/A7/*.jpg",
    "s3://roads/12:30@camera.jpg",
    "tcp://scheduler:8786",
    "ray://[::1]:10001",
    "sftp://survey@host/a",
    "abfss://container@account.dfs.core.windows.net/A7",
    "https://host:8443/a@b/1.jpg?page=2&monkey=3&width=400",
    "zip://*.jpg::photos/a.zip",
    "auto",
]


@pytest.mark.parametrize("address", SECRETS)
def test_a_secret_is_found_and_not_repeated(address: str) -> None:
    assert carries_credentials(address)
    assert "hunter2" not in without_credentials(address)
    assert "ter2" not in without_credentials(address)
    with pytest.raises(UsageError) as told:
        refuse_credentials(address, "--address")
    assert "ter2" not in str(told.value)
    assert "--address" in told.value.problem
    assert "environment" in told.value.remedy


@pytest.mark.parametrize("address", PLAIN)
def test_an_address_without_a_secret_is_left_as_it_is(address: str) -> None:
    assert not carries_credentials(address)
    assert without_credentials(address) == address
    refuse_credentials(address, "--address")


def test_it_is_found_in_nested_settings() -> None:
    given = {"settings": {"photos": "p", "more": [{"root": "s3://a:b@c"}]}}
    assert find_credentials(given) == "settings.more.0.root"
    assert find_credentials({"settings": {"photos": "s3://roads", "chunk": 3, "root": None}}) is None


@pytest.mark.parametrize("field", ["photos", "root", "address"])
def test_no_settings_hold_one(field: str) -> None:
    with pytest.raises(UsageError, match=field) as told:
        SurveySettings.model_validate({"photos": "p", "bundle": "b", field: "s3://AKIA:hunter2@roads"})
    assert "hunter2" not in str(told.value)
    with pytest.raises(ValidationError) as other:
        SurveySettings.model_validate({"photos": "p", "bundle": "b", "pasword": "hunter2"})
    assert "hunter2" not in str(other.value)
