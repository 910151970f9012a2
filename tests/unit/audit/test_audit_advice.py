"""The advice of how something could run for real."""

import pytest
from audit_findings import findings

from widgetshot.audit.advice import for_real


@pytest.mark.parametrize(
    ("target", "service", "words"),
    [
        ("psycopg2.connect", "postgres", "real_postgres in a test, services: [postgres]"),
        ("app.db.asyncpg.create_pool", "postgres", "real_postgres"),
        ("sqlalchemy.create_engine", "postgres", "real_postgres"),
        ("cache.redis_client", "redis", "real_redis"),
        ("boto3 s3", "s3", "real_s3"),
        ("paramiko.SSHClient", "sshd", "real_sshd"),
        ("self._sftp", "sshd", "real_sshd"),
        ("mock_ssh_client", "sshd", "real_sshd"),
        ("jobs.run_sbatch", "slurm", "real_slurm"),
        ("dask_jobqueue.SLURMCluster", "slurm", "real_slurm"),
        ("clickhouse_driver.Client", "clickhouse", "real_clickhouse"),
        ("websockets.connect", "websocket", "real_websocket"),
        ("openai.OpenAI", "inference", "services: [inference]"),
        ("distributed.LocalCluster", "", "LocalCluster"),
        ("IPython.display.display", "", "a notebook with a shot"),
        ("requests.get", "", "a local HTTP server as a service in [tool.widgetshot.services]"),
        ("subprocess.run", "", "run the program"),
        ("time.time", "", "freeze_clock"),
        ("app.time.sleep", "", "wait for the condition"),
        ("builtins.open", "", "tmp_path"),
        ("app.compute", "", ""),
        ("updates.candidate", "", ""),
    ],
)
def test_how_it_could_run_for_real(target: str, service: str, words: str) -> None:
    found, text = for_real(target)
    assert found == service
    assert words in text
    assert bool(text) == bool(words)


def test_a_mock_without_a_telling_name_belongs_to_what_its_test_patches() -> None:
    source = """
        from unittest.mock import Mock, patch

        @patch("paramiko.SSHClient")
        def test_ssh(client):
            out = Mock()

            def answer():
                return Mock()

        def test_other():
            out = Mock()

        def test_by_its_fixture(mock_redis_setup):
            out = Mock()
    """
    assert [(one.line, one.service) for one in findings(source)] == [
        (3, "sshd"),
        (5, "sshd"),
        (8, "sshd"),
        (11, ""),
        (14, "redis"),
    ]
    assert all(one.for_real for one in findings(source))
