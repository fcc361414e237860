// SPDX-License-Identifier: Apache-2.0
import Frames
import Images
import TestSupport
import Testing

struct Y4MHeaderTests {
    private func header(_ text: String, limits: ImageLimits = .standard) throws(FrameError) -> Y4MHeader {
        try Y4MHeader(Array(text.utf8), limits: limits)
    }

    @Test func everyFieldIsRead() throws {
        let header = try header("YUV4MPEG2 W640 H480 F30000:1001 Ip A1:1 C422 XYSCSS=422 XCOLORRANGE=FULL")
        #expect(header.width == 640 && header.height == 480 && header.sampling == .halfColumns && header.isFullRange)
        #expect(abs((header.frameRate ?? 0) - 29.97) < 0.001)
        #expect(header.frameCount == 640 * 480 * 2)
    }

    @Test func widthAndHeightAreEnough() throws {
        let header = try header("YUV4MPEG2 H3 W5")
        #expect(header.sampling == .half && !header.isFullRange && header.frameRate == nil)
        #expect(header.chromaWidth == 3 && header.chromaHeight == 2 && header.frameCount == 15 + 12)
    }

    @Test(arguments: [
        ("420", Y4MHeader.Sampling.half, 27), ("420jpeg", .half, 27), ("420mpeg2", .half, 27), ("420paldv", .half, 27),
        ("422", .halfColumns, 33), ("444", .full, 45), ("mono", .mono, 15),
    ])
    func everySamplingHasItsSize(name: String, sampling: Y4MHeader.Sampling, count: Int) throws {
        let header = try header("YUV4MPEG2 W5 H3 C\(name)")
        #expect(header.sampling == sampling && header.frameCount == count)
    }

    @Test(arguments: [
        ("", "the stream doesn't begin with YUV4MPEG2"), ("RIFF W1 H1", "the stream doesn't begin with YUV4MPEG2"),
        ("YUV4MPEG2", "the stream states no width"), ("YUV4MPEG2 W5", "the stream states no height"),
        ("YUV4MPEG2 W0 H5", "the width '0' is no number from 1 on"), ("YUV4MPEG2 W-1 H5", "the width '-1' is no number from 1 on"),
        ("YUV4MPEG2 W5 H5x", "the height '5x' is no number from 1 on"), ("YUV4MPEG2 W5 H", "the height '' is no number from 1 on"),
        ("YUV4MPEG2 W99999999999999999999 H5", "the width '99999999999999999999' is no number from 1 on"),
        ("YUV4MPEG2 W5 H5 F30", "the frame rate '30' is no ratio such as 30:1"),
        ("YUV4MPEG2 W5 H5 A1:x", "the pixel aspect '1:x' is no ratio such as 30:1"), ("YUV4MPEG2 W5 H5 Iq", "unknown interlacing 'Iq'"),
        ("YUV4MPEG2 W5 H5 Q1", "unknown field 'Q1'"),
        (
            "YUV4MPEG2 W5 H5 C420p10",
            "colour format 'C420p10'; use 420, 420jpeg, 420mpeg2, 420paldv, 422, 444 or mono of 8 bits"
        ),
    ])
    func whatIsWrongIsSaid(text: String, cause: String) {
        let error = #expect(throws: FrameError.self) { try header(text) }
        #expect(error?.cause == cause)
        #expect(error?.operation == "read Y4M header")
    }

    @Test func hugeFramesAreRefused() {
        for text in ["YUV4MPEG2 W999999999 H999999999", "YUV4MPEG2 W16384 H16384"] {
            let error = #expect(throws: FrameError.self) { try header(text) }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test func damagedHeadersNeverTrap() {
        var generator = SeededGenerator(seed: 11)
        let sound = Array("YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=LIMITED".utf8)
        var outcomes = (headers: 0, errors: 0)
        for _ in 0..<5000 {
            do {
                let header = try Y4MHeader(generator.damaged(sound))
                #expect(header.frameCount > 0 && header.frameCount <= 3 << 25)
                outcomes.headers += 1
            } catch {
                outcomes.errors += 1
            }
        }
        #expect(outcomes.headers > 0 && outcomes.errors > 0, "seed 11: \(outcomes)")
    }
}
