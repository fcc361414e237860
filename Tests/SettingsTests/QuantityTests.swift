// SPDX-License-Identifier: Apache-2.0
import Settings
import Testing

struct QuantityTests {
    @Test func lengthsOfTimeHaveUnits() {
        let kind = ValueKind.duration(.milliseconds(1) ... .seconds(60))
        #expect(kind.expectation == "1 ms … 1 min")
        for (text, value) in [
            ("80 ms", Duration.milliseconds(80)), ("80ms", .milliseconds(80)), ("2 s", .seconds(2)), ("0.5 s", .milliseconds(500)),
            ("1 min", .seconds(60)), ("1500 us", .microseconds(1500)),
        ] {
            #expect(kind.parse(text) == value, "\(text)")
        }
        for text in ["80", "80 sec", "ms", "", " 80 ms", "80  ms", "80 ms ", "-1 s", "61 s", "0 ms", "1e3 ms", "0x50 ms", "nan s", "inf s", "1 h"] {
            #expect(kind.parse(text) == nil, "\(text)")
        }
        #expect(ValueKind.duration(.seconds(0) ... .seconds(1_000_000)).parse("99999999999999999999 h") == nil)
    }

    @Test func sizesCountInThousandsAndIn1024s() {
        let kind = ValueKind.bytes(1...(1 << 32))
        for (text, value) in [("256 kB", 256_000), ("1 KiB", 1024), ("1.5 MB", 1_500_000), ("7 B", 7), ("4 GiB", 1 << 32)] {
            #expect(kind.parse(text) == value, "\(text)")
        }
        for text in ["256", "0 B", "5 GiB", "1 mb", "1 K", "99999999999999999999 GB"] { #expect(kind.parse(text) == nil, "\(text)") }
    }

    @Test func fractionsAreInPerCent() {
        let kind = ValueKind.fraction(0...1)
        #expect(kind.expectation == "0 … 100 %")
        #expect(kind.parse("80 %") == 0.8 && kind.parse("80%") == 0.8 && kind.parse("0 %") == 0 && kind.parse("100 %") == 1)
        #expect(kind.parse("99.5 %") == 0.995)
        for text in ["0.8", "80", "101 %", "-1 %", "% 80", "8 0 %", "nan %"] { #expect(kind.parse(text) == nil, "\(text)") }
    }

    @Test func ratesOfLinksAreInMegabits() {
        let kind = ValueKind.bitRate(0.01...1000)
        #expect(kind.expectation == "10 kbit/s … 1 Gbit/s")
        for (text, value) in [("6 Mbit/s", 6.0), ("6Mbit/s", 6), ("0.5 Gbit/s", 500), ("256 kbit/s", 0.256)] { #expect(kind.parse(text) == value, "\(text)") }
        for text in ["6", "6 MB/s", "6 mbit/s", "9 kbit/s", "2 Gbit/s", "-1 Mbit/s", ""] { #expect(kind.parse(text) == nil, "\(text)") }
        for value in [0.01, 0.5, 1, 5.85, 1000] { #expect(kind.parse(kind.format(value)) == value) }
    }

    @Test func whateverAKindPrintsItReads() {
        let times = ValueKind.duration(.microseconds(1) ... .seconds(1_000_000))
        for value in [1, 999, 1000, 1500, 2_000_000, 60_000_000, 90_000_000, 3_600_000_000] as [Int64] {
            let duration = Duration.microseconds(value)
            #expect(times.parse(times.format(duration)) == duration)
        }
        let sizes = ValueKind.bytes(1...Int(Int32.max))
        for value in [1, 999, 1000, 1024, 1500, 1 << 20, 123_456_789] { #expect(sizes.parse(sizes.format(value)) == value) }
        let fractions = ValueKind.fraction(0...1)
        for value in 0...1000 {
            let fraction = Double(value) / 1000
            #expect(abs((fractions.parse(fractions.format(fraction)) ?? -1) - fraction) < 1e-12)
        }
        let seeds = ValueKind<UInt64>.seed
        for value in [0, 1, UInt64.max] { #expect(seeds.parse(seeds.format(value)) == value) }
    }

    @Test func truthHasTwoWords() {
        let kind = ValueKind<Bool>.boolean
        #expect(kind.parse("true") == true && kind.parse("false") == false)
        for text in ["yes", "no", "on", "True", "1", ""] { #expect(kind.parse(text) == nil) }
    }

    @Test func integersAreWholeAndInRange() {
        let kind = ValueKind.integer(1...64)
        #expect(kind.parse("1") == 1 && kind.parse("64") == 64)
        for text in ["0", "65", "1.0", "+1", "0x1", "1e1", "", "-", "99999999999999999999"] { #expect(kind.parse(text) == nil, "\(text)") }
    }

    @Test func aMisspeltKeyFindsItsNeighbour() {
        #expect("threshhold".nearest(of: ["measure", "threshold"]) == "threshold")
        #expect("treshold".editDistance(to: "threshold") == 1)
        #expect("prot".editDistance(to: "port") == 1)
        #expect("".editDistance(to: "abc") == 3 && "abc".editDistance(to: "") == 3)
        #expect("colour".nearest(of: ["measure", "threshold"]) == nil)
    }
}
