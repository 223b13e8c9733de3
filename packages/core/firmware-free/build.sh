# The program writes the firmware into the directory that it runs in.

build() {
    mkdir made
    $CC $CFLAGS $LDFLAGS -o made/create_fw isci/create_fw.c
    (
        cd made
        ./create_fw
    )
}

check() {
    cmp made/isci_firmware.bin isci/isci_firmware.bin
}

do_install() {
    install -D -m 644 made/isci_firmware.bin "$DESTDIR/usr/lib/firmware/isci/isci_firmware.bin"
}
