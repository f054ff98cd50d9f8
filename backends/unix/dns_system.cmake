# DNS as the host does it; included by this folder's CMakeLists.txt.
rung_module(dns-system
    PROVIDES dns
    PLATFORMS unix
    SOURCES dns_system.c
    LINK PkgConfig::libuv)
