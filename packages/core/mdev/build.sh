build() {
    : # nothing to compile
}

check() {
    # A shell reads the service without an error, and every rule has its three parts.
    sh -n mdev.initd
    # `set -e` does not look at what is negated.
    if grep -Ev '^(#.*|[^ ]+ [0-9]+:[0-9]+ [0-7]{3}( [@$*>=].*)?)?$' mdev.conf; then
        return 1
    fi
}

do_install() {
    install -D -m 644 mdev.conf "$DESTDIR/etc/mdev.conf"
    install -D -m 755 mdev.initd "$DESTDIR/etc/init.d/mdev"
}
