// SPDX-License-Identifier: Apache-2.0
internal import Frames
internal import Images

/// Writes frames of flights as PNG files with a table of labels, as records, or both.
struct FlightWriter: ~Copyable {
    private let folder: String?
    private var table: WritableFile?
    private var records: WritableFile?

    init(folder: String?, records path: String?) throws(ImageError) {
        self.folder = folder
        if let folder {
            try FolderListing.make(folder)
            try FileBytes.write(Array(Obstacle.allCases.map { $0.label + "\n" }.joined().utf8), to: "\(folder)/labels.txt")
            table = try WritableFile("\(folder)/\(LabelTable.fileName)")
            try table?.append(Array((LabelTable.header + "\tseed\tencounter\tdistance\n").utf8))
        }
        if let path { records = try WritableFile(path) }
    }

    mutating func add(_ frame: FlightFrame, seed: UInt64) throws(ImageError) {
        let image = Image(width: Flight.width, height: Flight.height, channels: 3, pixels: frame.pixels)
        let label = frame.obstacle.rawValue
        try records?.append(ImageRecords.record(label: UInt8(label), image))
        if let folder {
            let digits = String(frame.index)
            let name = "\(seed)-\(String(repeating: "0", count: max(0, 6 - digits.count)) + digits).png"
            try FileBytes.write(PNG.encode(image), to: "\(folder)/\(name)")
            let distance = Double(Int((frame.distance * 10).rounded())) / 10
            try table?.append(
                Array("\(name)\t\t\(label)\t\(frame.obstacle.label)\t\(seed)\t\(frame.encounter)\t\(distance)\n".utf8))
        }
    }

    /// Gives the files that grew their names. Without it they are gone.
    mutating func finish() throws(ImageError) {
        try table?.finish()
        try records?.finish()
    }
}
