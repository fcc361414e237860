// SPDX-License-Identifier: Apache-2.0
import Images
import TestSupport
import Testing

struct ImageSetTests {
    private let folder = TemporaryFolder()

    private func write(_ name: String, _ bytes: [UInt8]) throws {
        try FolderListing.make(String(folder(name)[..<(folder(name).lastIndex(of: "/") ?? name.startIndex)]))
        try FileBytes.write(bytes, to: folder(name))
    }

    @Test func aFolderGivesItsImagesByName() throws {
        try write("b.PNG", PNG.encode(Pictures.pattern(width: 3, height: 2)))
        try write("a.jpeg", JPEG.encode(Pictures.pattern(width: 8, height: 9), quality: 90))
        try write(".hidden.jpg", [1])
        try write("notes.txt", [1])
        try write("c.jpg/inner.jpg", [1])
        // A folder whose name ends like an image's is only found out when it is read.
        let set = try ImageSet(path: folder.path)
        #expect(set.entries.map(\.name) == ["a.jpeg", "b.PNG", "c.jpg"])
        #expect(!set.isLabelled)
        #expect(try set.image(at: 0).height == 9)
        #expect(try set.image(at: 1) == Pictures.pattern(width: 3, height: 2))
        let error = #expect(throws: ImageError.self) { try set.image(at: 2) }
        #expect(error?.code == .unreadable)
    }

    @Test func aTableOrdersAndLabelsTheImages() throws {
        for name in ["x.png", "y.png", "deep/z.png", "unlisted.png"] { try write(name, PNG.encode(Pictures.pattern(width: 2, height: 2))) }
        try write(LabelTable.fileName, Array("file\tsynset\tindex\tname\twidth\ny.png\tn1\t7\ttiger beetle\t2\r\nx.png\t\t\t\t\ndeep/z.png\tn2\t0\tcanoe\n".utf8))
        let set = try ImageSet(path: folder.path)
        #expect(set.entries.map(\.name) == ["y.png", "x.png", "deep/z.png"])
        #expect(set.entries.map(\.label) == [7, nil, 0])
        #expect(set.entries.map(\.labelName) == ["tiger beetle", nil, "canoe"])
        #expect(try set.image(at: 2).width == 2)
        try set.check(classes: 8, path: "p")
        let error = #expect(throws: ImageError.self) { try set.check(classes: 7, path: "p") }
        #expect(error?.code == .badLabels && error?.cause.contains("'y.png' has the label 7") == true)
    }

    @Test(arguments: [
        ("file\tindex\nx.png\t-1\n", "labels.tsv:2: expected an index from 0 on, found '-1'"),
        ("file\tindex\nx.png\tseven\n", "labels.tsv:2: expected an index from 0 on, found 'seven'"),
        ("file\tindex\nx.png\n", "labels.tsv:2: expected 2 columns, found 1"),
        ("file\tindex\n../x.png\t1\n", "labels.tsv:2: '../x.png' is no file inside the folder"),
        ("file\tindex\n/x.png\t1\n", "labels.tsv:2: '/x.png' is no file inside the folder"),
        ("file\tindex\nx.png\t1\nw.png\t1\n", "labels.tsv:3: there is no file 'w.png'"),
        ("x.png\t1\n", "labels.tsv:1: the first line must name the columns 'file' and 'index', separated by tabs"),
        ("", "labels.tsv:1: the first line must name the columns 'file' and 'index', separated by tabs"),
        ("file\tindex\n", "open labels.tsv: the table lists no image"),
    ])
    func aWrongTableIsAnErrorWithItsLine(text: String, message: String) {
        let error = #expect(throws: ImageError.self) { try LabelTable(text, path: "labels.tsv") { $0 == "x.png" } }
        #expect(error?.description == message)
    }

    @Test func recordsKeepPixelsAndLabels() throws {
        let images = [Pictures.pattern(width: 32, height: 32), Pictures.ramp(width: 32, height: 32)]
        try write("two.bin", ImageRecords.record(label: 3, images[0]) + ImageRecords.record(label: 9, images[1]))
        let set = try ImageSet(path: folder("two.bin"))
        #expect(set.entries.map(\.label) == [3, 9])
        #expect(try [set.image(at: 0), set.image(at: 1)] == images)
    }

    @Test func theSizeOfARecordIsFoundOrSaid() throws {
        let large = Pictures.pattern(width: 96, height: 96)
        try write("flight.bin", ImageRecords.record(label: 1, large))
        #expect(try ImageSet(path: folder("flight.bin")).image(at: 0) == large)
        let odd = Pictures.pattern(width: 5, height: 7)
        try write("odd.bin", ImageRecords.record(label: 0, odd) + ImageRecords.record(label: 255, odd))
        let set = try ImageSet(path: folder("odd.bin") + ":5x7")
        #expect(try set.count == 2 && set.image(at: 1) == odd)
        #expect(set.entries[1].label == 255)
        for (path, code) in [
            ("odd.bin", ImageError.Code.unknownFormat), ("odd.bin:5x6", .truncated), ("odd.bin:0x6", .unreadable), ("none.bin", .unreadable),
            ("odd.bin:99999x1", .tooLarge),
        ] {
            let error = #expect(throws: ImageError.self) { try ImageSet(path: folder(path)) }
            #expect(error?.code == code, "\(path)")
        }
    }

    @Test func oneFileIsASetOfOne() throws {
        try write("one.png", PNG.encode(Pictures.pattern(width: 4, height: 4)))
        let set = try ImageSet(path: folder("one.png"))
        #expect(set.entries.map(\.name) == ["one.png"] && !set.isLabelled)
        #expect(try set.image(at: 0).width == 4)
    }

    @Test func nothingToReadIsAnError() throws {
        #expect(throws: ImageError(.empty, "open \(folder.path)", "there is no JPEG or PNG file")) { try ImageSet(path: folder.path) }
        try write("empty.bin", [])
        #expect(throws: ImageError(.empty, "open \(folder("empty.bin"))", "the file is empty")) { try ImageSet(path: folder("empty.bin")) }
        let error = #expect(throws: ImageError.self) { try ImageSet(path: folder("missing")) }
        #expect(error?.description == "read \(folder("missing")): No such file or directory")
    }

    @Test(.needs(sharedData: "imagenet")) func theSharedDataSetsOpen() throws {
        let photographs = try ImageSet(path: sharedData("imagenet/test"))
        #expect(photographs.count == 650 && photographs.isLabelled)
        #expect(photographs.entries[0].label == 472 && photographs.entries[0].labelName == "canoe")
        #expect(try photographs.image(at: 0).width == 227)
        let small = try ImageSet(path: sharedData("cifar10/test.bin"))
        #expect(small.count == 5000 && small.isLabelled)
        #expect(try small.image(at: 4999).channels == 3)
    }
}
