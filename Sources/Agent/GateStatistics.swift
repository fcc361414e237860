// SPDX-License-Identifier: Apache-2.0
package import Gating

/// What the gate has said: a count for each verdict, and for each class how sure the board's network was of it. Bounded by the number of classes.
package struct GateStatistics: Hashable, Sendable {
    /// Frames by verdict: `accepted`; the measure that a frame fell short of; `ruled-out`; `no-second-look`; a fault; `failed` where the network couldn't be run. They add up to the frames that
    /// were read.
    package private(set) var verdicts: [String: UInt64] = [:]
    /// Readings of each class in ``FractionHistogram/bins`` bins of the calibrated probability, one class after another.
    private var counts: [UInt64]
    package let classes: Int

    package init(classes: Int = 0) {
        self.classes = classes
        // Of all kinds of verdicts, so that none makes the table grow under way.
        verdicts.reserveCapacity(16)
        counts = [UInt64](repeating: 0, count: classes * FractionHistogram.bins)
    }

    /// Allocates nothing, unless somebody holds a copy.
    package mutating func add(_ reading: Reading) {
        let key =
            switch reading.verdict {
            case .accept: "accepted"
            case .escalate(.unsure(let measure, _, _)): measure.rawValue
            case .escalate(.ruledOut): "ruled-out"
            case .escalate(.noSecondLook): "no-second-look"
            case .escalate(.fault(let fault)): fault.rawValue
            }
        verdicts[key, default: 0] += 1
        guard let confidence = reading.confidence, (0..<classes).contains(confidence.classIndex), let bin = FractionHistogram.bin(confidence.topOne) else { return }
        counts[confidence.classIndex * FractionHistogram.bins + bin] += 1
    }

    package mutating func addFailure() { verdicts["failed", default: 0] += 1 }

    /// Twenty counts, from 0 to 1.
    package subscript(class index: Int) -> ArraySlice<UInt64> { counts[index * FractionHistogram.bins..<(index + 1) * FractionHistogram.bins] }

    /// - Parameter mostClasses: of the classes that were seen, those seen most often are added one by one, the others together.
    func add(to object: inout JSONObject, labels: [String], mostClasses: Int) {
        var reasons = JSONObject()
        for (key, count) in verdicts.sorted(by: { $0.key < $1.key }) { reasons.add(key, number: "\(count)") }
        object.add("verdicts", number: reasons.closed)
        var byClass = JSONObject()
        func array(_ counts: some Sequence<UInt64>) -> String { "[" + counts.map { "\($0)" }.joined(separator: ",") + "]" }
        let seen = (0..<classes).map { (index: $0, count: self[class: $0].reduce(0, +)) }.filter { $0.count > 0 }
        let most = seen.count > mostClasses ? seen.sorted { $0.count > $1.count }.prefix(mostClasses).sorted { $0.index < $1.index } : seen
        for (index, _) in most {
            byClass.add(quoting: labels.indices.contains(index) ? labels[index] : "\(index)", number: array(self[class: index]))
        }
        object.add("class_confidences", number: byClass.closed)
        guard most.count < seen.count else { return }
        let shown = Set(most.map(\.index))
        var others = [UInt64](repeating: 0, count: FractionHistogram.bins)
        for (index, _) in seen where !shown.contains(index) {
            for (bin, count) in self[class: index].enumerated() { others[bin] += count }
        }
        object.add("other_class_confidences", number: array(others))
    }
}
