// SPDX-License-Identifier: Apache-2.0
package import Answers

extension Answer {
    /// Why nobody can have given it to a question about one of so many classes; `nil` where it is sound.
    package func misfit(classes: Int) -> String? {
        switch self {
        case .classification(let classification):
            (0..<classes).contains(classification.classIndex) ? nil : "class \(classification.classIndex), of \(classes) that the board's network has"
        case .detections: "objects, where a class was asked for"
        }
    }
}
