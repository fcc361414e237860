// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
internal import Glibc
#endif

/// What a folder holds.
package enum FolderListing {
    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names of everything in a folder, hidden or not, in the order of their bytes.
    package static func names(of path: String) throws(ImageError) -> [String] {
        guard let folder = unsafe opendir(path) else { throw ImageError(.unreadable, "open \(path)", SystemError.latest) }
        defer { unsafe _ = closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(folder) else { break }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw ImageError(.unreadable, "open \(path)", SystemError.latest) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Makes a folder, with those it lies in, where it isn't there already.
    package static func make(_ path: String) throws(ImageError) {
        guard !isFolder(path) else { return }
        if let slash = path.dropLast().lastIndex(of: "/"), slash != path.startIndex { try make(String(path[..<slash])) }
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw ImageError(.unwritable, "make folder \(path)", SystemError.latest)
        }
    }
}
