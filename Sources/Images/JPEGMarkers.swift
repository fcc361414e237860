// SPDX-License-Identifier: Apache-2.0

/// What the segments of a JPEG file say without decoding it (ITU-T T.81, annex B; Exif 2.3, section 4).
struct JPEGMarkers {
    /// Whether the walk met the marker that ends an image.
    private(set) var reachesEnd = false
    /// How the camera was held, 1 … 8; 1 is upright.
    private(set) var orientation = 1

    init(_ bytes: Span<UInt8>) {
        var position = 2
        while position + 1 < bytes.count {
            guard bytes[position] == 0xFF else {
                position += 1
                continue
            }
            let marker = bytes[position + 1]
            switch marker {
            case 0xD9:
                reachesEnd = true
                return
            case 0xFF: position += 1
            case 0x00, 0x01, 0xD0...0xD8: position += 2
            default:
                guard position + 3 < bytes.count else { return }
                let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
                guard length >= 2 else { return }
                if marker == 0xE1, position + 2 + length <= bytes.count {
                    orientation = Self.orientation(bytes.extracting(position + 4..<position + 2 + length)) ?? orientation
                }
                position += 2 + length
            }
        }
    }

    /// Tag 0x0112 of the first directory of an Exif segment.
    private static func orientation(_ segment: Span<UInt8>) -> Int? {
        guard segment.count >= 14, segment[0] == 0x45, segment[1] == 0x78, segment[2] == 0x69, segment[3] == 0x66 else { return nil }
        let little = segment[6] == 0x49
        func value(_ offset: Int, bytes count: Int) -> Int? {
            guard offset >= 0, offset <= segment.count - 6 - count else { return nil }
            return (0..<count).reduce(0) { $0 << 8 | Int(segment[6 + offset + (little ? count - 1 - $1 : $1)]) }
        }
        guard value(2, bytes: 2) == 42, let directory = value(4, bytes: 4), let entries = value(directory, bytes: 2) else { return nil }
        for entry in 0..<entries {
            let start = directory + 2 + 12 * entry
            guard let tag = value(start, bytes: 2) else { return nil }
            if tag == 0x0112, let kind = value(start + 2, bytes: 2), kind == 3, let found = value(start + 8, bytes: 2) {
                return (1...8).contains(found) ? found : nil
            }
        }
        return nil
    }
}
