# KV on a folder; included by this folder's CMakeLists.txt.
rung_module(kv-dir
    PROVIDES kv
    PLATFORMS unix
    SOURCES kv_dir.c kv_dir_get.c kv_dir_list.c kv_dir_open.c kv_dir_path.c kv_dir_temp.c
            kv_dir_walk.c kv_dir_write.c
    TESTS kv_dir_test.c kv_dir_tree_test.c
    LINK PkgConfig::libuv
    KEYS "path:path:Folder that holds the values, each in a file named by its key"
         "read-only:bool=off:Never write to it"
         "sync:bool=on:Make every write durable before it is done"
         "create:bool=off:Make the folder if it does not exist")
