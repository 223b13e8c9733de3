configure() {
    muon setup -Dprefix=/usr -Dlibdir=lib -Dsbindir=bin -Dbuildtype=release -Dmanpages=false -Ddocs=false -Dopenssl=disabled \
        -Dxz=enabled -Dzlib=enabled -Dzstd=enabled -Dbuild-tests=false -Dbashcompletiondir=no -Dfishcompletiondir=no -Dzshcompletiondir=no igos-build
}

build() {
    muon -C igos-build samu
}

do_install() {
    DESTDIR="$DESTDIR" muon -C igos-build install
    # Upstream links them by scripts that muon does not start.
    for name in depmod insmod lsmod modinfo modprobe rmmod; do
        ln -sf kmod "$DESTDIR/usr/bin/$name"
    done
}
