"""States in files: names, order, age, and one server at a time."""

import asyncio
import os
import stat
import time
from pathlib import Path

import pytest

from recurra.errors import RecurraError
from recurra.serve.store import StoreAway
from recurra.serve.stores.folder import FolderStore


def test_states_outlive_the_server_in_files_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "states"

    async def first() -> None:
        store = FolderStore(folder, 5.0, 60.0)
        await store.claim("../session", "a")
        assert await store.save("../session", b"state", "a")
        await store.close()

    async def second() -> None:
        store = FolderStore(folder, 5.0, 60.0)
        assert await store.claim("../session", "b")  # leases end with the server
        assert await store.load("../session") == b"state"
        await store.close()

    asyncio.run(first())
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]
    assert [path.parent for path in files] == [folder]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    asyncio.run(second())


def test_old_states_and_what_a_kill_left_are_removed_and_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        store = FolderStore(tmp_path, 5.0, 60.0)
        await store.claim("new session", "a")
        left = [tmp_path / f".{'0' * 64}.safetensors.part", tmp_path / f"{'1' * 64}.safetensors"]
        other = [tmp_path / "notes.txt", tmp_path / "model.safetensors"]
        young = tmp_path / f"{'2' * 64}.safetensors"
        for path in (*left, *other, young):
            path.write_text("x")
        for path in (*left, *other):
            os.utime(path, (time.time() - 61, time.time() - 61))
        assert await store.save("new session", b"state", "a")
        assert not any(path.exists() for path in left)
        assert all(path.exists() for path in (*other, young))
        assert await store.load("new session") == b"state"
        await store.close()

    asyncio.run(story())


@pytest.mark.skipif(os.name != "posix", reason="elsewhere there is no such lock")
def test_a_second_server_is_refused(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, 5.0, 60.0)
    with pytest.raises(RecurraError, match="in use by another server"):
        FolderStore(tmp_path, 5.0, 60.0)
    asyncio.run(store.close())
    asyncio.run(FolderStore(tmp_path, 5.0, 60.0).close())


def test_a_folder_that_cannot_be_made_or_written_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecurraError, match="cannot keep sessions"):
        FolderStore(tmp_path / "file", 5.0, 60.0)

    async def story() -> None:
        store = FolderStore(tmp_path / "states", 5.0, 60.0)
        await store.claim("session", "a")
        await store.save("session", b"state", "a")
        (tmp_path / "states").rename(tmp_path / "moved")
        with pytest.raises(StoreAway, match="cannot be used now") as error:
            await store.save("session", b"state", "a")
        assert str(tmp_path) not in str(error.value)
        (tmp_path / "moved").rename(tmp_path / "states")
        assert await store.save("session", b"again", "a")
        await store.close()

    asyncio.run(story())
