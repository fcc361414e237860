// SPDX-License-Identifier: Apache-2.0
import Foundation
import Frames
import Images
import TestSupport
import Testing

struct FolderSourceTests {
    private let folder = TemporaryFolder()

    private func picture(_ level: UInt8) throws -> [UInt8] {
        try PNG.encode(Image(width: 3, height: 2, channels: 3, filledWith: level))
    }

    /// Writes beside the folder's images and renames, as a camera program does.
    private func deliver(_ name: String, _ bytes: [UInt8]) throws { try FileBytes.write(bytes, to: folder(name)) }

    @Test func everyFileOnceByNameAndDamagedOnesAreCounted() throws {
        try deliver("b.png", picture(2))
        try deliver("a.png", picture(1))
        try deliver("aa.jpg", Array(picture(9).prefix(30)))
        try deliver("notes.txt", [1])
        var source = try FolderSource(path: folder.path, mode: .once)
        #expect(!source.isLive)
        let events = try source.everything(StopSignal())
        #expect(events.compactMap(\.frame).map(\.name) == ["a.png", "b.png"])
        #expect(events.compactMap(\.frame).map(\.index) == [0, 2])
        #expect(events.compactMap(\.damage).count == 1)
        #expect(events.compactMap(\.damage).first?.hasPrefix("decode \(folder("aa.jpg")): ") == true)
    }

    @Test func nothingToReadIsAnError() throws {
        for mode in [FolderSource.Mode.once, .watch] {
            let error = #expect(throws: FrameError.self) { try FolderSource(path: folder("missing"), mode: mode) }
            #expect(error?.code == .unreadable && error?.cause == "No such file or directory")
        }
        try deliver("file", [])
        #expect(throws: FrameError.self) { try FolderSource(path: folder("file"), mode: .watch) }
        #expect(throws: FrameError(.empty, "open \(folder.path)", "there is no JPEG or PNG file")) {
            try FolderSource(path: folder.path, mode: .once)
        }
    }

    @Test func everyFileIsAnsweredWhenTheSourceIsNotLive() throws {
        for index in 0..<20 { try deliver("\(10 + index).png", picture(UInt8(index))) }
        let slot = NewestFrame()
        let feed = try FrameFeed(FolderSource(path: folder.path, mode: .once), into: slot)
        var levels: [UInt8] = []
        while case .frame(let frame) = slot.take() { levels.append(frame.image.pixels[0]) }
        #expect(levels == Array(0..<20))
        #expect(slot.counts.dropped == 0)
        feed.waitUntilEnded()
        #expect(feed.counts.delivered == 20 && feed.counts.failure == nil)
    }

    @Test func aWatchedFolderTellsOfRenamedAndWrittenFiles() throws {
        try deliver("old.png", picture(1))
        var source = try FolderSource(path: folder.path, mode: .watch)
        let stop = try StopSignal()
        #expect(source.isLive)
        try deliver("renamed.png", picture(2))
        #expect(try source.next(stop).frame?.name == "renamed.png")
        // Not atomic: open, write, close.
        #expect(FileManager.default.createFile(atPath: folder("written.png"), contents: Data(try picture(3))))
        let written = try source.next(stop).frame
        #expect(written?.name == "written.png" && written?.image.pixels[0] == 3 && written?.index == 1)
        try deliver("notes.txt", [1])
        try deliver("broken.png", Array(picture(4).prefix(40)))
        #expect(try source.next(stop).damage?.hasPrefix("decode \(folder("broken.png"))") == true)
        try deliver("after.png", picture(5))
        #expect(try source.next(stop).frame?.index == 3)
    }

    @Test func onlyTheNewestOfManyIsRead() throws {
        var source = try FolderSource(path: folder.path, mode: .watch)
        for index in 0..<5 { try deliver("\(index).png", picture(UInt8(index))) }
        let stop = try StopSignal()
        guard case .skipped(4) = try source.next(stop) else {
            Issue.record("expected four to be skipped")
            return
        }
        let newest = try source.next(stop).frame
        #expect(newest?.name == "4.png" && newest?.index == 4)
    }

    @Test func aWatchedFolderThatGoesAwayEndsTheSource() throws {
        let inner = folder("inner")
        try FolderListing.make(inner)
        let slot = NewestFrame()
        let feed = try FrameFeed(FolderSource(path: inner, mode: .watch), into: slot)
        try FileManager.default.removeItem(atPath: inner)
        guard case .ended = slot.take() else {
            Issue.record("expected the end")
            return
        }
        feed.waitUntilEnded()
        #expect(feed.counts.failure?.cause == "the folder was deleted, moved or unmounted")
    }

    @Test func aQuietFolderDoesNotDelayTheStop() throws {
        let feed = try FrameFeed(FolderSource(path: folder.path, mode: .watch), into: NewestFrame())
        feed.stop()
        feed.stop()
        #expect(feed.counts.hasEnded && feed.counts.failure == nil)
    }
}
