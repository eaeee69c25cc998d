"""Blocks of the client's own kinds and of the user's, saved and loaded."""

import warnings

from prefect import flow, task
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.filesystems import LocalFileSystem
from pydantic import SecretStr

warnings.simplefilter("ignore")


class Login(Block):
    user: str
    password: SecretStr


class Database(Block):
    host: str
    login: Login


@task
def read():
    return Secret.load("token").get()


@flow(name="blocks")
def main():
    Secret(value="very-secret").save("token")
    Secret(value={"user": "u", "numbers": [1, 2]}).save("json")
    assert read() == "very-secret"
    assert Secret.load("json").get() == {"user": "u", "numbers": [1, 2]}
    Secret(value="changed").save("token", overwrite=True)
    assert Secret.load("token").get() == "changed"
    LocalFileSystem(basepath="/tmp").save("files")
    assert LocalFileSystem.load("files").basepath == "/tmp"

    Login(user="me", password="very-secret").save("mine")
    Database(host="h", login=Login.load("mine")).save("main")
    database = Database.load("main")
    assert database.login.password.get_secret_value() == "very-secret"
    assert database.login.user == "me"
    Block.load("database/main")
    Login.delete("mine")
    print("BLOCKS DONE")


if __name__ == "__main__":
    main()
