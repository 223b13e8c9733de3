# Services of each runlevel, as OpenRC installs them.
sysinit="devfs sysfs"
boot="bootmisc fsck hostname localmount loopback modules root seedrng"
default=""
shutdown="killprocs mount-ro"

build() {
    : # nothing to compile
}

# The commands with other directories, so that they can be tried here.
check() {
    local place=$PWD/check command
    rm -rf "$place"
    mkdir -p "$place/init.d" "$place/runlevels/default" "$place/runlevels/other" "$place/runlevels/shutdown"
    sed -e "s#^rc_etc=.*#rc_etc=$place#" -e "s#^rc_run=.*#rc_run=$place/run#" functions.sh > "$place/functions.sh"
    for command in openrc openrc-run rc-service rc-status rc-update; do
        sed -e "s#/usr/lib/rc/functions.sh#$place/functions.sh#" "$command" > "$place/$command"
        chmod 755 "$place/$command"
        sh -n "$place/$command"
    done
    for command in $sysinit $boot $shutdown syslog console root-shell; do
        sh -n "$command"
    done

    # ends STATUS: how the last thing that the machine starts ends, where `killall5` ends with that.
    ends() {
        (
            ebegin() { :; }
            eend() { return "$1"; }
            killall5() { return "$answer"; }
            sleep() { :; }
            answer=$1
            . ./killprocs
            start
        )
    }
    # service NAME DEPENDENCIES: writes to `did` what it does.
    service() {
        cat > "$place/init.d/$1" << END
#!$place/openrc-run
depend() { $2
:
}
start() { echo "+ $1" >> $place/did; ${3:-}
}
stop() { echo "- $1" >> $place/did; }
END
        chmod 755 "$place/init.d/$1"
    }
    # expect WHAT: what the services did since the last time, in that order.
    expect() {
        printf '%s\n' "$@" > "$place/wanted"
        diff "$place/wanted" "$place/did"
        rm "$place/did"
    }
    # refused COMMAND...: `set -e` does not look at what is negated.
    refused() {
        if "$@"; then
            echo "this should have failed: $*"
            return 1
        fi
    }
    ends 0
    # Nobody was left to tell.
    ends 2
    refused ends 1

    service a "after b"
    service b "need c-d"
    service e "provide c-d; before b"
    service z "before e; after nothing"
    service loose ""
    service broken "" "return 1"
    service on-broken "need broken"
    service lonely "need nobody"
    service off ""
    for name in a b e z; do
        "$place/rc-update" add "$name"
        # Its links go to /etc, where nothing is here.
        ln -sf "$place/init.d/$name" "$place/runlevels/default/$name"
    done
    "$place/openrc" default
    expect '+ z' '+ e' '+ b' '+ a'
    "$place/rc-status" > "$place/status"
    printf 'Runlevel: default\n a: started\n b: started\n e: started\n z: started\n' | diff - "$place/status"
    # What is started stays so; what another runlevel does not have is stopped, the last first.
    "$place/openrc" default
    refused [ -e "$place/did" ]
    "$place/rc-service" loose start
    "$place/rc-service" --ifstarted off restart
    expect '+ loose'
    ln -s "$place/init.d/e" "$place/runlevels/other/e"
    "$place/openrc" other
    expect '- loose' '- a' '- b' '- z'
    # Failures are told, and hold up only what needs the one that failed.
    for name in broken on-broken lonely loose; do
        ln -s "$place/init.d/$name" "$place/runlevels/other/$name"
    done
    refused "$place/openrc" other 2> "$place/errors"
    grep -F "on-broken is not started, because broken is not" "$place/errors"
    grep -F "lonely needs nobody, and no service is or provides that" "$place/errors"
    expect '+ broken' '+ loose'
    refused "$place/rc-service" broken status
    refused "$place/rc-service" ../x start
    refused "$place/rc-service" loose dance
    ln -s "$place/init.d/off" "$place/runlevels/shutdown/off"
    "$place/openrc" shutdown
    expect '- loose' '- e' '+ off'

    # A program in the background, with its file, user and end.
    cat > "$place/init.d/daemon" << END
#!$place/openrc-run
command=$(command -v sleep)
command_args="'7200'"
command_background=yes
pidfile=$place/daemon.pid
retry=2
END
    chmod 755 "$place/init.d/daemon"
    "$place/rc-service" daemon start status
    kill -0 "$(cat "$place/daemon.pid")"
    "$place/rc-service" daemon stop
    refused [ -e "$place/daemon.pid" ]
    refused "$place/rc-service" daemon status
}

do_install() {
    local name level
    install -D -m 644 functions.sh "$DESTDIR/usr/lib/rc/functions.sh"
    install -D -m 755 root-shell "$DESTDIR/usr/lib/rc/root-shell"
    install -D -m 644 README "$DESTDIR/usr/share/doc/rc/README"
    install -D -m 644 tmpfiles.conf "$DESTDIR/usr/lib/tmpfiles.d/rc.conf"
    install -D -m 644 inittab "$DESTDIR/etc/inittab"
    mkdir -p "$DESTDIR/usr/sbin" "$DESTDIR/etc/init.d" "$DESTDIR/etc/conf.d"
    install -m 755 console openrc openrc-run rc-service rc-status rc-update "$DESTDIR/usr/sbin"
    install -m 755 $sysinit $boot $shutdown syslog "$DESTDIR/etc/init.d"
    for level in sysinit boot default shutdown; do
        mkdir -p "$DESTDIR/etc/runlevels/$level"
        eval "set -- \$$level"
        for name; do
            ln -s "/etc/init.d/$name" "$DESTDIR/etc/runlevels/$level/$name"
        done
    done
}
