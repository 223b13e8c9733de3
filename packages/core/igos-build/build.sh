seed=/usr/lib/rust-seed
host=x86_64-unknown-linux-gnu
target=x86_64-unknown-linux-musl
programs=target/$target/release

build() {
    mkdir -p .cargo-home libraries
    printf '#!/bin/sh\n. %s/host-ld\n' "$seed" > host-ld
    chmod 755 host-ld
    # What Rust's standard library calls to unwind, by the name under which it asks for it: ours.
    ln -s "$($CC -print-file-name=libgcc_eh.a)" libraries/libunwind.a
    cat > .cargo-home/config.toml <<TOML
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "$PWD/vendor"

[target.$host]
linker = "$PWD/host-ld"

[target.$target]
linker = "$CC"
TOML
    export PATH="$seed/bin:$PATH"
    export CARGO_HOME="$PWD/.cargo-home" CARGO_BUILD_JOBS="${IGOS_JOBS:-1}" CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
    # Start files and C library are those of our musl, not copies of them that came with the compiler.
    export RUSTFLAGS="--remap-path-prefix=$PWD=. -Clink-self-contained=no -Lnative=$PWD/libraries"
    export CFLAGS="$CFLAGS -ffile-prefix-map=$PWD=."
    cargo build --release --locked --offline --target "$target" -p igos-build -p pkm
}

check() {
    $programs/igos-build --version | grep -x "igos-build $PKG_VERSION"
    $programs/pkm --version | grep -x "pkm $PKG_VERSION"
    # They need nothing to run, and name nothing of where they were compiled.
    for name in igos-build pkm; do
        test "$(readelf -ld "$programs/$name" | grep -c -e INTERP -e NEEDED)" = 0
        test "$(strings "$programs/$name" | grep -c -F "$PWD")" = 0
    done
    # Both do something: a directory is no root of ours, a recipe is read.
    mkdir -p root tree/core
    cp -R /recipe tree/core/igos-build
    answer=0
    $programs/pkm --root root verify || answer=$?
    [ "$answer" = 4 ]
    $programs/igos-build --recipes tree recipe show igos-build | grep "^version *$PKG_VERSION-"
}

do_install() {
    for name in igos-build pkm; do
        install -D -m 755 "$programs/$name" "$DESTDIR/usr/bin/$name"
        for page in docs/man/"$name".1 docs/man/"$name"-*.1; do
            install -D -m 644 "$page" "$DESTDIR/usr/share/man/man1/${page##*/}"
        done
        for licence in LICENSE-*; do
            install -D -m 644 "$licence" "$DESTDIR/usr/share/doc/$name/$licence"
        done
        # Each program says how shells ask it what could stand next.
        completions=$DESTDIR/usr/share
        mkdir -p "$completions/bash-completion/completions" "$completions/fish/vendor_completions.d" \
            "$completions/zsh/site-functions"
        export PATH="$PWD/$programs:$PATH"
        COMPLETE=bash "$name" > "$completions/bash-completion/completions/$name"
        COMPLETE=fish "$name" > "$completions/fish/vendor_completions.d/$name.fish"
        COMPLETE=zsh "$name" > "$completions/zsh/site-functions/_$name"
    done
}
