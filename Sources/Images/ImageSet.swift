// SPDX-License-Identifier: Apache-2.0

/// Images to calibrate or to score with: known by name and label at once, read one by one.
package struct ImageSet: Sendable {
    /// What is known of an image before it is read.
    package struct Entry: Hashable, Sendable {
        /// File name, or position in a file of records.
        package var name: String
        /// Position in the label list; `nil` where nothing says what the image shows.
        package var label: Int?
        /// What people call the label; `nil` where it isn't given.
        package var labelName: String?
    }

    private enum Storage {
        case files(folder: String)
        case records(ImageRecords)
    }

    package let entries: [Entry]
    private let storage: Storage

    /// Opens PATH, which is one of these:
    ///
    /// * a folder with `labels.tsv` (see `LabelTable`): the images that it lists, in its order, with their labels;
    /// * a folder without it: its files that end in .jpg, .jpeg or .png, by name, without labels; subfolders and hidden files are passed over;
    /// * a JPEG or PNG file;
    /// * a file of records (see `ImageRecords`), with `:WIDTHxHEIGHT` behind its path where the records are not of 32×32 or 96×96 pixels.
    ///
    /// Throws where PATH can't be read, holds no image, or lists a file that isn't there.
    package init(path: String) throws(ImageError) {
        if FolderListing.isFolder(path) {
            let names = try FolderListing.names(of: path)
            entries = try names.contains(LabelTable.fileName)
                ? LabelTable(contentsOf: path, available: Set(names)).entries
                : names.filter(ImageFormat.isImageName).map { Entry(name: $0) }
            storage = .files(folder: path)
        } else if let file = try? ReadableFile(path), let magic = try? file.bytes(at: 0, count: min(file.count, 8)),
            ImageFormat(sniffing: magic.span) != nil
        {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            entries = [Entry(name: String(parts.last ?? ""))]
            storage = .files(folder: parts.dropLast().joined(separator: "/") + (parts.count > 1 ? "" : "."))
        } else {
            let records = try ImageRecords(path: path)
            entries = try records.labels().enumerated().map { Entry(name: "\($0.offset)", label: $0.element) }
            storage = .records(records)
        }
        if entries.isEmpty { throw ImageError(.empty, "open \(path)", "there is no JPEG or PNG file") }
    }

    package var count: Int { entries.count }

    /// Whether every image has a label.
    package var isLabelled: Bool { entries.allSatisfy { $0.label != nil } }

    /// Checks that every label is a class of a network.
    ///
    /// - Parameter path: of the set, for the error, which names the image.
    package func check(classes: Int, path: String) throws(ImageError) {
        guard let wrong = entries.first(where: { $0.label.map { $0 >= classes } ?? false }), let label = wrong.label else { return }
        let image = if case .records = storage { "record \(wrong.name)" } else { "'\(wrong.name)'" }
        throw ImageError(.badLabels, "labels of \(path)", "\(image) has the label \(label), the network has \(classes) classes, counted from 0")
    }

    /// Reads and decodes one image.
    package func image(at index: Int) throws(ImageError) -> Image {
        switch storage {
        case .files(let folder): try Image.decode(file: "\(folder)/\(entries[index].name)").image
        case .records(let records): try records.image(at: index)
        }
    }
}
