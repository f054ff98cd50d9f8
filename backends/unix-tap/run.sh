# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154
# How ./rung starts a program on this rung: read by it, for its root, preset, app, program, show and
# fail. A program whose lwIP is over a tap gets a tap device and two networks of its own, which end
# with it, unless its words name a device or an IPv4 address. It runs as an ordinary user.

# tap_paths: where the keys of lwIP and of the tap are in the app's tree, as stack and tap; fails if
# it has not one of each.
tap_paths() {
    made_of=$(cd -- "$root" && cmake --build --preset "$preset" --target "describe-$app" -- --quiet)
    stack=$(printf '%s\n' "$made_of" | awk '$3 == "lwip" { print $1 }')
    tap=$(printf '%s\n' "$made_of" | awk '$3 == "net-tap" { print $1 }')
    [ "$(printf '%s\n' "$stack" "$tap" | grep -c .)" -eq 2 ] && [ -n "$stack" ] && [ -n "$tap" ]
}

# tap_wanted WORD...: whether this run needs a tap device of its own.
tap_wanted() {
    for word; do
        case $word in --help | -h) return 1 ;; esac
    done
    tap_paths || return 1
    for word; do
        case ${word#--} in
        "$tap.device="* | "$stack.ipv4="* | "$stack.gateway="*) return 1 ;;
        esac
    done
    # What is fixed at build time is no key any more.
    keys=$("$program" --help)
    [ "$(printf '%s\n' "$keys" | grep -cF -e " --$tap.device=" -e " --$stack.ipv4=")" -eq 2 ]
}

# tap_free FAMILY NETWORK: whether no route leads to an address of it, but the default one.
tap_free() {
    { ip "$1" route show table all root "$2" && ip "$1" route show table all match "$2"; } |
        grep -qv default && return 1
    return 0
}

# tap_choose WORD...: a device name and networks that nobody uses, as name, net4 and net6 (which are
# without the host's part: 10.88.0. and fd88::; net6 is empty where the kernel has no IPv6, or a word
# names an address of its own), and the mtu that the words ask for, or nothing.
tap_choose() {
    mtu=
    own6=
    for word; do
        case ${word#--} in
        "$tap.mtu="*) mtu=${word#*=} ;;
        "$stack.ipv6="*) own6=yes ;;
        esac
    done
    n=0
    while ip link show dev "rung$n" >/dev/null 2>&1; do n=$((n + 1)); done
    name=rung$n
    net4=
    for net in 10.88 10.188 172.30 192.168; do
        for n in $(seq 0 15); do
            [ -n "$net4" ] || ! tap_free -4 "$net.$n.0/24" || net4=$net.$n.
        done
    done
    [ -n "$net4" ] || fail "no private network is free for a tap device; choose" \
        "an address with --$stack.ipv4=... and a device with --$tap.device=..."
    net6=
    # What no device has, the program refuses; below 1280 there is no IPv6 (RFC 8200 5).
    case $mtu in '' | *[!0-9]* | ??????*) mtu= ;; esac
    [ -z "$mtu" ] || { [ "$mtu" -ge 576 ] && [ "$mtu" -le 65521 ]; } || mtu=
    [ "${mtu:-1500}" -ge 1280 ] || return 0
    [ -z "$own6" ] || return 0
    [ "$(cat /proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null)" = 0 ] || return 0
    net6=fd88::
    n=0
    while ! tap_free -6 "$net6/64"; do
        n=$((n + 1))
        net6=fd88:0:0:$n::
    done
}

# tap_user: who shall run the program, as user, and the words that make it so, as become (first
# among them: the program ends if this script is killed).
tap_user() {
    become="setpriv --pdeathsig TERM"
    user=$(id -un)
    [ "$(id -u)" -eq 0 ] || return 0
    user=$(id -un "${SUDO_UID:-nobody}")
    become="$become --reuid $user --regid $(id -g "$user") --init-groups"
    if ! $become test -x "$program" 2>/dev/null; then
        echo "rung: warning: $user may not read $program: it runs as root"
    elif ! $become test -w /dev/net/tun; then
        echo "rung: warning: /dev/net/tun is for root alone here: $app runs as root"
    elif printf '%s\n' "$made_of" | awk '$3 == "block-file"' | grep -q . && ! $become test -w .; then
        echo "rung: warning: $user may not write in this folder, where $app has its file:" \
            "it runs as root"
    else
        return 0
    fi >&2
    become="setpriv --pdeathsig TERM"
    user=root
}

# tap_make: makes what tap_choose chose. It is there for as long as descriptor 3 is open.
tap_make() {
    as_root=
    password=
    if [ "$(id -u)" -ne 0 ]; then
        as_root=sudo
        password=" (sudo may ask for your password)"
    fi
    printf 'rung: making the tap device %s with %s1/24%s%s\n' "$name" "$net4" \
        "${net6:+ and ${net6}1/64}" "$password" >&2
    held=$(mktemp -d)
    mkfifo "$held/open"
    exec 3<>"$held/open"
    set -- $as_root sh "$root/backends/unix-tap/tap.sh" "$name" "$user" "${mtu:-1500}" \
        "${net4}1/24" ${net6:+"${net6}1/64"}
    show "$@"
    status=0
    "$@" <"$held/open" 3>&- 9>&- || status=$?
    rm -r -- "$held"
    return $status
}

# tap_tell: where the program can be reached.
tap_tell() {
    port=$(printf '%s\n' "$keys" |
        sed -n -e 's/^  --port=.*\[\([0-9]*\)\]$/\1/p' -e 's/^  port=//p')
    for word; do
        case ${word#--} in port=*) port=${word#*=} ;; esac
    done
    if [ "${port:-0}" != 0 ] && printf '%s\n' "$made_of" | awk '$2 == "http"' | grep -q .; then
        echo "rung: $app is at http://${net4}2:$port/${net6:+ and http://[${net6}2]:$port/}"
    else
        echo "rung: $app is at ${net4}2${net6:+ and ${net6}2}"
    fi >&2
}

# tap_wait: waits for the program, as long as signals for it come in between; sets status.
tap_wait() {
    status=0
    wait "$child" || status=$?
    while [ -n "$told" ] && [ $status -gt 128 ]; do
        told=
        status=0
        wait "$child" || status=$?
    done
}

# ground_run WORD...: runs the program with these words; does not return.
ground_run() {
    tap_wanted "$@" || {
        show "$program" "$@"
        exec "$program" "$@"
    }
    command -v ip >/dev/null || fail "ip is not installed; install the package iproute2"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || fail "making a tap device needs root:" \
        "run this as root, or install sudo, or name your own device with -- --$tap.device=..."
    { [ -c /dev/net/tun ] && (: <>/dev/net/tun) 2>/dev/null; } ||
        fail "$(id -un) may not use /dev/net/tun: in a container, start that with --device" \
            "/dev/net/tun; elsewhere, modprobe tun and chmod 666 /dev/net/tun"
    exec 9</dev/net/tun
    flock 9 # two at the same time choose one after the other
    tap_choose "$@"
    tap_user
    tap_make || fail "there is no tap device, for the reason above"
    exec 9>&-
    tap_tell "$@"
    set -- "--$tap.device=$name" "--$stack.ipv4=${net4}2/24" "--$stack.gateway=${net4}1" \
        ${net6:+"--$stack.ipv6=${net6}2/64"} "$@"
    # shellcheck disable=SC2086 # a list of words
    set -- $become "$program" "$@"
    show "$@"
    told=
    child=
    trap 'told=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || :' INT TERM HUP
    exec 4<&0 # a shell gives what it runs beside itself no input of its own
    # In a session of its own: Ctrl-C reaches this script, which passes one signal on, and not both.
    setsid "$@" <&4 3>&- 4<&- &
    child=$!
    tap_wait
    exec 3>&-
    for _ in $(seq 50); do
        ! ip link show dev "$name" >/dev/null 2>&1 || sleep 0.1 # until tap.sh has removed it
    done
    exit $status
}
