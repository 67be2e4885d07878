import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    # Read by the C library when a process starts: the graphs lie in large pages, which are found faster.
    if "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        os.execv(sys.executable, sys.orig_argv)
    # Read when numpy is imported. Calls run side by side: one thread for each is faster than several for one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Read when grpc is imported. The children that save graphs never call it.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    from search_service.settings import Settings
    from search_service.worker import SearchWorker
    from serving.server import serve

    # A call's thread lets go of the interpreter many times in its one or two ms, and should not wait 5 to have it back.
    sys.setswitchinterval(0.0005)
    serve(Settings, SearchWorker)


if __name__ == "__main__":
    main()
