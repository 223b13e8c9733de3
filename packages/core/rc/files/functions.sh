# What scripts of services call, and what the commands beside it share. Names and meanings are OpenRC's.

rc_etc=/etc
rc_run=/run/rc

einfo() { printf ' * %s\n' "$*"; }
einfon() { printf ' * %s' "$*"; }
ewarn() { printf ' * WARNING: %s\n' "$*" >&2; }
eerror() { printf ' * ERROR: %s\n' "$*" >&2; }
ebegin() { printf ' * %s ...\n' "$*"; }

# eend STATUS [MESSAGE]
eend() {
    local status=${1:-0}
    [ "$status" = 0 ] && return 0
    shift
    eerror "${*:-$RC_SVCNAME: failed with status $status}"
    return "$status"
}

ewend() {
    local status=${1:-0}
    [ "$status" = 0 ] && return 0
    shift
    ewarn "${*:-$RC_SVCNAME: failed with status $status}"
    return "$status"
}

veinfo() { yesno "${EINFO_VERBOSE:-no}" && einfo "$@"; return 0; }
vewarn() { yesno "${EINFO_VERBOSE:-no}" && ewarn "$@"; return 0; }
vebegin() { yesno "${EINFO_VERBOSE:-no}" && ebegin "$@"; return 0; }
veend() { eend "$@"; }

yesno() {
    case $1 in
        [Yy][Ee][Ss] | [Tt][Rr][Uu][Ee] | [Oo][Nn] | 1) return 0 ;;
    esac
    return 1
}

# checkpath [-d|-D|-f|-F|-p] [-m MODE] [-o OWNER] [-q] [-W] PATH...: makes it, or corrects its owner and mode.
checkpath() {
    local kind= mode= owner= writable= path
    while :; do
        case $1 in
            -d | --directory) kind=directory ;;
            -D | --directory-truncate) kind=empty-directory ;;
            -f | --file) kind=file ;;
            -F | --file-truncate) kind=empty-file ;;
            -p | --pipe) kind=pipe ;;
            -m | --mode) mode=$2; shift ;;
            -o | --owner) owner=$2; shift ;;
            -W | --writable) writable=yes ;;
            -q | --quiet) ;;
            -*) eerror "checkpath: no option $1"; return 1 ;;
            *) break ;;
        esac
        shift
    done
    for path; do
        if [ -n "$writable" ]; then
            [ -w "$path" ] || return 1
            continue
        fi
        # A link that somebody else put there is not followed.
        if [ -L "$path" ]; then
            eerror "checkpath: $path is a symbolic link"
            return 1
        fi
        case $kind in
            empty-directory) rm -rf "$path"/* && mkdir -p "$path" || return 1 ;;
            directory) mkdir -p "$path" || return 1 ;;
            empty-file) : > "$path" || return 1 ;;
            file) [ -e "$path" ] || : > "$path" || return 1 ;;
            pipe) [ -p "$path" ] || mkfifo "$path" || return 1 ;;
        esac
        if [ -n "$owner" ]; then chown "$owner" "$path" || return 1; fi
        if [ -n "$mode" ]; then chmod "$mode" "$path" || return 1; fi
    done
}

# rc_services_in LEVEL: the services of a runlevel, one in a line.
rc_services_in() {
    local link
    for link in "$rc_etc/runlevels/$1"/*; do
        [ -e "$link" ] || [ -L "$link" ] || continue
        printf '%s\n' "${link##*/}"
    done
}

rc_is_started() { [ -e "$rc_run/started/$1" ]; }

service_started() { rc_is_started "$1"; }
service_stopped() { ! rc_is_started "$1"; }

# rc_needs_name NAME: refuses what is no name of a service of this system.
rc_needs_name() {
    case $1 in
        "" | */* | .*) eerror "\`$1' is no name of a service"; return 1 ;;
    esac
    [ -x "$rc_etc/init.d/$1" ] && return 0
    eerror "there is no service \`$1' ($rc_etc/init.d/$1)"
    return 1
}
