"""A flow that serves itself, with a schedule."""

from prefect import flow


@flow(name="served", log_prints=True)
def served(number: int = 1):
    print("served", number)
    return number


if __name__ == "__main__":
    served.serve(name="here", interval=3600, parameters={"number": 5}, tags=["nightly"])
