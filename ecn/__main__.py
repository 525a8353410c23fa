"""`python -m ecn` is `ecn`: how `ecn up` starts its children whatever the PATH says."""

from ecn.cli.main import main

if __name__ == "__main__":
    main()
