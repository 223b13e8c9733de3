seed=/usr/lib/rust-seed
host=x86_64-unknown-linux-gnu
target=x86_64-unknown-linux-musl

build() {
    mkdir debian
    for package in *.deb; do
        ar p "$package" data.tar.xz | tar -xJ -C debian
    done
}

# Programs of other systems name the loader of their C library by a path that is not there. It is longer than that of
# the loader in our directory, so that it can be replaced where it stands.
loader=/lib64/ld-linux-x86-64.so.2

relocate() {
    at=$(strings -t d "$1" | sed -n "s|^ *\\([0-9]*\\) $loader\$|\\1|p")
    case $at in
        *[!0-9]* | '') echo "$1 names its loader not once: '$at'" && return 1 ;;
    esac
    printf '%s\0' "$seed/ld.so" | dd of="$1" bs=1 seek="$at" conv=notrunc
}

do_install() {
    root=$DESTDIR$seed
    libraries=$root/lib/rustlib
    mkdir -p "$root/bin" "$root/link" "$libraries/$host" "$libraries/$target"

    install -m 755 rustc/rustc/bin/rustc cargo/cargo/bin/cargo "$root/bin/"
    relocate "$root/bin/rustc"
    relocate "$root/bin/cargo"
    install -m 644 host-ld "$root/host-ld"
    for library in rustc/rustc/lib/librustc_driver-*.so rustc/rustc/lib/libLLVM.so.*; do
        install -m 755 "$library" "$root/lib/"
    done
    cp -R "std/rust-std-$host/lib/rustlib/$host/lib" "$libraries/$host/"
    cp -R "std-musl/rust-std-$target/lib/rustlib/$target/lib" "$libraries/$target/"
    # What is compiled is static and has our own C library; nobody asks for sanitizers.
    rm -r "$libraries/$target"/lib/*.so "$libraries/$target/lib/self-contained" "$libraries"/*/lib/librustc-stable_rt.*

    # The C library to run with, and to link with.
    for name in libc.so.6 libdl.so.2 libm.so.6 libpthread.so.0 librt.so.1 libgcc_s.so.1 libz.so.1; do
        for place in debian/lib/x86_64-linux-gnu debian/usr/lib/x86_64-linux-gnu; do
            [ ! -e "$place/$name" ] || install -m 755 "$place/$name" "$root/lib/$name"
        done
    done
    relocate "$root/lib/libc.so.6"
    install -m 755 debian/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/ld.so"
    development=debian/usr/lib/x86_64-linux-gnu
    install -m 644 $development/Scrt1.o $development/crti.o $development/crtn.o $development/libc_nonshared.a \
        $development/libdl.a $development/libpthread.a $development/librt.a $development/libutil.a "$root/link/"
    ln -s ../lib/libm.so.6 "$root/link/libm.so"
    ln -s ../lib/libgcc_s.so.1 "$root/link/libgcc_s.so"
    printf 'GROUP ( %s/lib/libc.so.6 %s/link/libc_nonshared.a AS_NEEDED ( %s/ld.so ) )\n' \
        "$seed" "$seed" "$seed" > "$root/link/libc.so"
}
