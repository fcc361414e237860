// SPDX-License-Identifier: Apache-2.0
package import Digests
internal import Tensors

extension Safetensors {
    /// SHA-256 of one line a tensor, in the order of the file: `name type [size,size] digest\n`, where `digest` is the SHA-256 of its bytes,
    /// hexadecimal.
    package var tensorsDigest: SHA256Digest {
        var text = ""
        for (name, tensor) in tensors {
            let digest = unsafe tensor.storage.withUnsafeBytes { unsafe SHA256Digest(ofBytes: $0) }
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            text += "\(name) \(tensor.type.rawValue) [\(shape)] \(digest)\n"
        }
        return SHA256Digest(of: text)
    }

    /// SHA-256 of one line a key, sorted by the bytes of the keys: `key digest\n`, where `digest` is the SHA-256 of the text under the key. The
    /// key `excluded` is left out.
    package func metadataDigest(without excluded: String) -> SHA256Digest {
        var text = ""
        for (key, value) in metadata.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) where key != excluded {
            text += "\(key) \(SHA256Digest(of: value))\n"
        }
        return SHA256Digest(of: text)
    }

    /// A checksum over the bytes of all tensors, in the order of the file: hexadecimal, 16 digits. It finds damage, not malice, at the speed of memory.
    package var tensorsChecksum: String {
        var checksum = Checksum()
        for (_, tensor) in tensors { unsafe tensor.storage.withUnsafeBytes { unsafe checksum.append($0) } }
        return checksum.description
    }
}
