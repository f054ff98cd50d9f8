# End-to-end tests of the rung unix-tap: each makes the namespaces that it needs. Some have a longer
# version, which runs with RUNG_TEST_LONG=1 in the environment: ctest -R e2e-tap --timeout 7200.
find_program(E2E_PING ping REQUIRED)
find_program(E2E_DNSMASQ dnsmasq REQUIRED PATHS /usr/sbin /sbin)
find_program(E2E_NMAP nmap REQUIRED)
find_program(E2E_TSHARK tshark REQUIRED)
find_program(E2E_IP ip REQUIRED PATHS /usr/sbin /sbin)
mark_as_advanced(E2E_PING E2E_DNSMASQ E2E_NMAP E2E_TSHARK E2E_IP)

rung_e2e_test(website-slots $<TARGET_FILE:website> slots http)
rung_e2e_test(echo-slots $<TARGET_FILE:website> slots echo)
set_tests_properties(e2e-website-slots e2e-echo-slots PROPERTIES RUN_SERIAL ON)
foreach(story ping twin dhcp dns slaac syn scan garbage link refused idle)
    rung_e2e_test(tap-${story} $<TARGET_FILE:website> tap_${story})
endforeach()
set_tests_properties(e2e-tap-idle e2e-tap-syn PROPERTIES RUN_SERIAL ON)

# With a link that loses, delays and records what it is told to.
rung_e2e_variant(faulty -DRUNG_NET=capture:fault:tap -DRUNG_KV=dir)
foreach(story loss resend sizes window scarce close term capture)
    rung_e2e_test(tap-${story} ${faulty_website} tap_${story} ECHO ${faulty_echo})
    set_tests_properties(e2e-tap-${story} PROPERTIES FIXTURES_REQUIRED "e2e-faulty;e2e-content")
endforeach()
set_tests_properties(e2e-tap-loss PROPERTIES TIMEOUT 2400) # half an hour if asked for; see there

# The one line that swaps the NET.
rung_e2e_variant(pcap -DRUNG_NET=pcap)
rung_e2e_test(tap-pcap ${pcap_website} tap_pcap)
set_tests_properties(e2e-tap-pcap PROPERTIES FIXTURES_REQUIRED "e2e-pcap;e2e-content")

# What an app is made of on this rung, as `./rung describe website` prints it.
add_test(NAME e2e-tap-describe
         COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target describe-website -- --quiet)
add_test(NAME e2e-tap-describe-bulk # two slots, one stack
         COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target describe-bulk -- --quiet)
set_tests_properties(e2e-tap-describe-bulk PROPERTIES LABELS e2e TIMEOUT 600 PASS_REGULAR_EXPRESSION
    "\n  tcp +tcp,dns +lwip [^\n]*\n.*\n  dns +.lwip. ")
set_tests_properties(e2e-tap-describe PROPERTIES LABELS e2e TIMEOUT 600 PASS_REGULAR_EXPRESSION
    "\n  http +http +http1 [^\n]*\n    tcp +tcp +lwip [^\n]*\n      net +net +net-tap ")
