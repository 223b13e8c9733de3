build() {
    :
}
