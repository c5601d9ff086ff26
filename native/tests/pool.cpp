// pooled = sum over t of weights_t y_t, weights = softmax of score . tanh(u).
#include "functions.h"
#include "reference.h"

namespace {


// The scores' softmax over the steps of row b, `open` being tanh(u).
std::vector<double> weights_of(Case& test, Array& open, Array& score, int64_t b) {
  std::vector<double> weights;
  double most = -INFINITY, sum = 0;
  for (int64_t t = 0; t < test.layout.length[b]; ++t) {
    double dot = 0;
    for (int64_t c = 0; c < test.width; ++c)
      dot += score[c] * open[test.layout.line(b, t) * test.width + c];
    weights.push_back(dot);
    most = fmax(most, dot);
  }
  for (double& weight : weights) sum += weight = exp(weight - most);
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

void pool_forward(Case& test) {
  const int64_t width = test.width;
  Array &y = test.reads_lines(width), &u = test.changes(test.reads_lines(width, -2, 2));
  Array &score = test.reads(width), &weights = test.writes(test.lines());
  Array& pooled = test.writes(test.batch * width);
  for (int64_t b = 0; b < test.batch; ++b) {
    for (int64_t t = 0; t < test.layout.length[b]; ++t)
      for (int64_t c = 0; c < width; ++c) {
        double& number = u[test.layout.line(b, t) * width + c];
        number = tanh(number);
      }
    const std::vector<double> found = weights_of(test, u, score, b);
    for (int64_t c = 0; c < width; ++c) pooled[b * width + c] = 0;
    for (int64_t t = 0; t < test.layout.length[b]; ++t) {
      const int64_t line = test.layout.line(b, t);
      weights[line] = found[static_cast<size_t>(t)];
      for (int64_t c = 0; c < width; ++c)
        pooled[b * width + c] += weights[line] * y[line * width + c];
    }
  }
  test.run([&] {
    return recurra_pool_forward(test.rows(), test.given.width, test.given.threads, y.data(),
                                u.data(), score.data(), weights.data(), pooled.data());
  });
}

void pool_backward(Case& test) {
  const int64_t width = test.width;
  Array &y = test.reads_lines(width), &u = test.reads_lines(width), &score = test.reads(width);
  Array& weights = test.holds(test.writes(test.lines()));
  Array& grad_pooled = test.reads(test.batch * width);
  Array &grad_u = test.writes(test.lines() * width), &grad_y = test.writes(test.lines() * width);
  Array& each = test.writes(test.batch * width);
  for (int64_t b = 0; b < test.batch; ++b) {
    const std::vector<double> found = weights_of(test, u, score, b);
    std::vector<double> slopes;
    double mean = 0;
    for (int64_t t = 0; t < test.layout.length[b]; ++t) {
      const int64_t line = test.layout.line(b, t);
      weights.put(line, found[static_cast<size_t>(t)]);
      double dot = 0;
      for (int64_t c = 0; c < width; ++c) dot += grad_pooled[b * width + c] * y[line * width + c];
      slopes.push_back(dot);
      mean += weights[line] * dot;
    }
    for (int64_t c = 0; c < width; ++c) {
      double sum = 0;
      for (int64_t t = 0; t < test.layout.length[b]; ++t) {
        const int64_t line = test.layout.line(b, t), i = line * width + c;
        const double slope = weights[line] * (slopes[static_cast<size_t>(t)] - mean);
        grad_u[i] = slope * score[c] * (1 - u[i] * u[i]);
        grad_y[i] = weights[line] * grad_pooled[b * width + c];
        sum += slope * u[i];
      }
      each[b * width + c] = sum;
    }
  }
  test.run([&] {
    return recurra_pool_backward(test.rows(), test.given.width, test.given.threads, y.data(),
                                 u.data(), score.data(), weights.data(), grad_pooled.data(),
                                 grad_u.data(), grad_y.data(), each.data());
  });
}
