build() {
    python3 meson.py --version | grep -x "$PKG_VERSION"
}

do_install() {
    # What upstream's setup.py does, without the network that setuptools would be fetched from.
    place=$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    mkdir -p "$DESTDIR$place" "$DESTDIR/usr/bin"
    cp -R mesonbuild "$DESTDIR$place/"
    find "$DESTDIR" -name __pycache__ -prune -exec rm -r {} +
    sed '1s,.*,#!/usr/bin/python3,' meson.py > "$DESTDIR/usr/bin/meson"
    chmod 755 "$DESTDIR/usr/bin/meson"
    printf 'Metadata-Version: 2.1\nName: meson\nVersion: %s\n' "$PKG_VERSION" > "$DESTDIR$place/meson-$PKG_VERSION.egg-info"
    install -D -m 644 man/meson.1 "$DESTDIR/usr/share/man/man1/meson.1"
}
