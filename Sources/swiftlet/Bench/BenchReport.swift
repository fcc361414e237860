// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What `swiftlet bench --json` prints.
package struct BenchReport: Encodable, CustomStringConvertible {
    /// In milliseconds.
    package struct Latency: Encodable {
        package var min: Double
        package var median: Double
        package var p95: Double
    }

    package var latency: Latency
    /// Reading the file, preparing weights and reserving memory, in milliseconds.
    package var load: Double
    /// The first run, in milliseconds.
    package var first: Double
    /// In megabytes, of the whole process.
    package var peakResidentSize: Double
    /// Multiplications with addition of one run.
    package var macs: Int
    /// 10⁹ multiplications with addition a second, at the median.
    package var speed: Double

    private enum CodingKeys: String, CodingKey {
        case latency = "latency_ms"
        case load = "load_ms"
        case first = "first_ms"
        case peakResidentSize = "peak_rss_mb"
        case macs
        case speed = "gmacs_per_s"
    }

    package var description: String {
        """
        latency   min \(latency.min.rounded(to: 3)) ms, median \(latency.median.rounded(to: 3)) ms, p95 \(latency.p95.rounded(to: 3)) ms
        load      \(load.rounded(to: 1)) ms, first run \(first.rounded(to: 1)) ms
        memory    \(peakResidentSize.rounded(to: 1)) MB at the peak
        work      \((Double(macs) / 1e6).rounded(to: 1)) million MACs, \(speed.rounded(to: 1)) GMAC/s
        """
    }
}

extension Duration {
    var milliseconds: Double { Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15 }
}

extension Double {
    func rounded(to digits: Int) -> Double {
        let factor = pow(10, Double(digits))
        return (self * factor).rounded() / factor
    }
}
