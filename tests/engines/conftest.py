"""One cluster, and one application on it, for all tests that need them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engines.standalone import Cluster
from whosasking.engines.spark_session import connected

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed: no Spark cluster")
    if shutil.which("java") is None:
        pytest.skip("no java on PATH: no Spark cluster")
    with Cluster(Path(pyspark.__file__).parent, tmp_path_factory.mktemp("spark")) as running:
        yield running


@pytest.fixture(scope="session")
def spark(cluster: Cluster) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(cluster.conf))
        with connected(cluster.url) as session:
            yield session
