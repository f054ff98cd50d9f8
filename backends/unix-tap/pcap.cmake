# NET on libpcap; included by this folder's CMakeLists.txt.
rung_host_library(libpcap 1.10)
rung_module(net-pcap
    PROVIDES net
    PLATFORMS unix
    SOURCES net_pcap.c net_pcap_open.c net_pcap_device.c net_pcap_live.c net_pcap_send.c
            net_pcap_file.c net_pcap_frame.c net_pcap_sum.c
    LINK PkgConfig::libuv PkgConfig::libpcap
    TESTS net_pcap_file_test.c net_pcap_sum_test.c net_pcap_live_test.c net_pcap_link_test.c
    KEYS "device:string?:Existing Ethernet interface to send and receive on"
         "file:path?:Capture to receive from instead (pcap or pcapng); what is sent is dropped"
         "mac:string?:Own hardware address; a random local one when absent"
         "mtu:u16=0:Longest payload of a plain frame in bytes, 0 for the interface's"
         "promisc:bool=off:Lend frames for other stations too"
         "offload:bool=on:Take merged frames and unfinished checksums as they are"
         "buffer:size=16M:Kernel's ring for received frames"
         "pool:u16=1024:Pages of 4 KiB for frames lent at once")
