# BLOCK on a file or block device; included by this folder's CMakeLists.txt.
rung_host_library(liburing 2.3)
rung_module(block-file
    PROVIDES block
    PLATFORMS unix
    SOURCES block_file.c block_file_pool.c block_file_uring.c block_file_medium.c block_file_io.c
    LINK PkgConfig::libuv PkgConfig::liburing
    TESTS block_file_open_test.c block_file_io_test.c
    KEYS "path:path:File or block device that holds the disk"
         "size:size=0:Make the file this big if it does not exist, 0 to refuse"
         "sector-size:512|4096=512:Bytes in a sector"
         "read-only:bool=off:Never write to it, and share it with other readers"
         "direct:bool=off:Go past the host's page cache (O_DIRECT)"
         "engine:auto|uring|threads=auto:Who carries requests out: io_uring, or worker threads"
         "depth:u16=0:Requests carried out at once; 0: 64 with io_uring, 4 with worker threads")
