// f = sigma(u_f), m' = max(log f + m, i, 0); c' = f e^(m-m') c + e^(i-m') v k', n' alike with k;
// y = sigma(o) c' q / max(|n' q|, e^-m'), where e^-m' is at least 1e-6 and k is u_k / sqrt(d).
#include "functions.h"
#include "reference.h"
#include "status.h"

namespace {

constexpr double LEAST = 1e-6;

using Numbers = std::vector<double>;

// One head's state, and by what it came from the one before.
struct State {
  Numbers c, n;  // c is [value key]
  double m, kept = 0, added = 0, divisor = 0;
  bool carried = false, opened = false;  // m is that of the state before; |n q| is the divisor
};

double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// A case of this cell: all heads of all rows, a state for each step and one before the first.
struct Heads {
  Case& test;
  const int64_t width, heads = draw_heads(), d = width / heads;
  const int64_t chunk = test.random.one_in(3) ? 32 : test.random.whole(1, 40);
  const bool wrong_heads = test.random.one_in(2);
  Array &u = test.reads_lines(4 * width + 2 * heads, -2, 2),
        &c_initial = test.reads(test.batch * width * d),
        &n_initial = test.reads(test.batch * width), &m_initial = test.reads(test.batch * heads);

  explicit Heads(Case& given) : test(given), width(given.width) {
    test.number(static_cast<int>(wrong_heads ? heads : chunk),
                static_cast<int>(test.random.one_in(2) ? 0 : wrong_heads ? width + 1 : 1 << 20),
                recurra::BAD_SIZE);
  }

  int64_t draw_heads() {
    const int64_t wanted = test.random.whole(1, 5);
    return width % wanted ? 1 : wanted;
  }
  int heads_given() const { return static_cast<int>(wrong_heads ? test.given.number : heads); }
  int chunk_given() const { return static_cast<int>(wrong_heads ? chunk : test.given.number); }
  int64_t chunks(int64_t b) const { return (test.layout.length[b] + chunk - 1) / chunk; }
  int64_t all_chunks() const {
    int64_t sum = 0;
    for (int64_t b = 0; b < test.batch; ++b) sum += chunks(b);
    return sum;
  }
  int64_t numbers() const { return d * d + d + 1; }

  // Part 0 to 3 of a line of u: q, k, v, o; 4, 5: i, f.
  int64_t place(int64_t line, int part, int64_t head) const {
    const int64_t begin = line * (4 * width + 2 * heads);
    return part < 4 ? begin + part * width + head * d
                    : begin + 4 * width + (part - 4) * heads + head;
  }
  Numbers part(int64_t line, int part, int64_t head, double factor = 1) {
    Numbers x(static_cast<size_t>(d));
    for (int64_t a = 0; a < d; ++a) x[a] = u[place(line, part, head) + a] * factor;
    return x;
  }
  Numbers key(int64_t line, int64_t head) {
    return part(line, 1, head, 1 / sqrt(static_cast<double>(d)));
  }

  State initial(int64_t b, int64_t head) {
    const int64_t own = b * heads + head;
    return {state_of(c_initial, own, d * d), state_of(n_initial, own, d), m_initial[own]};
  }

  State next(const State& before, int64_t line, int64_t head) {
    const Numbers k = key(line, head), v = part(line, 2, head), q = part(line, 0, head);
    const double i = u[place(line, 4, head)], peak = fmax(i, 0);
    const double moved = before.m - log1p(exp(-u[place(line, 5, head)]));
    State now = before;
    now.carried = moved > peak, now.m = now.carried ? moved : peak;
    now.kept = exp(moved - now.m), now.added = exp(i - now.m);
    for (int64_t a = 0; a < d; ++a) {
      now.n[a] = now.kept * now.n[a] + now.added * k[a];
      for (int64_t b = 0; b < d; ++b)
        now.c[a * d + b] = now.kept * now.c[a * d + b] + now.added * v[a] * k[b];
    }
    const double size = fabs(dot(now.n, q)), floor = fmax(exp(-now.m), LEAST);
    now.opened = size > floor, now.divisor = now.opened ? size : floor;
    return now;
  }

  // c q / divisor
  Numbers read(const State& state, const Numbers& q) const {
    Numbers h(static_cast<size_t>(d));
    for (int64_t a = 0; a < d; ++a) {
      for (int64_t b = 0; b < d; ++b) h[a] += state.c[a * d + b] * q[b];
      h[a] /= state.divisor;
    }
    return h;
  }

  // Fills y and, for each chunk, `states`; returns all states of a row's head.
  std::vector<State> run(int64_t b, int64_t head, Array& y, Array& states, int64_t first) {
    std::vector<State> all{initial(b, head)};
    for (int64_t t = 0; t < test.layout.length[b]; ++t) {
      const int64_t line = test.layout.line(b, t);
      const State& now = all.emplace_back(next(State(all.back()), line, head));
      const Numbers h = read(now, part(line, 0, head)), o = part(line, 3, head);
      for (int64_t a = 0; a < d; ++a) y[line * width + head * d + a] = sigmoid(o[a]) * h[a];
      if ((t + 1) % chunk && t + 1 < test.layout.length[b]) continue;
      const int64_t from = ((first + t / chunk) * heads + head) * numbers();
      for (int64_t a = 0; a < d * d; ++a) states[from + a] = now.c[a];
      for (int64_t a = 0; a < d; ++a) states[from + d * d + a] = now.n[a];
      states[from + d * d + d] = now.m;
    }
    return all;
  }

  void put(const State& state, int64_t b, int64_t head, Array& c, Array& n, Array& m) const {
    const int64_t own = b * heads + head;
    for (int64_t a = 0; a < d * d; ++a) c[own * d * d + a] = state.c[a];
    for (int64_t a = 0; a < d; ++a) n[own * d + a] = state.n[a];
    m[own] = state.m;
  }

  // `grad`, the gradient of the state after a step, becomes that of the one before.
  void back(State& grad, const State& before, const State& now, int64_t line, int64_t head,
            Array& grad_y, Array& grad_u) {
    const Numbers q = part(line, 0, head), k = key(line, head), v = part(line, 2, head);
    const Numbers o = part(line, 3, head), h = read(now, q);
    Numbers grad_value(h.size());
    double grad_divisor = 0;
    for (int64_t a = 0; a < d; ++a) {
      const double open = sigmoid(o[a]), of_y = grad_y[line * width + head * d + a];
      grad_value[a] = of_y * open / now.divisor;
      grad_divisor -= of_y * open * h[a] / now.divisor;
      grad_u[place(line, 3, head) + a] = of_y * h[a] * open * (1 - open);
    }
    double of_size = 0;
    if (now.opened) {
      of_size = dot(now.n, q) < 0 ? -grad_divisor : grad_divisor;
    } else if (exp(-now.m) > LEAST) {
      grad.m -= grad_divisor * exp(-now.m);
    }
    for (int64_t b = 0; b < d; ++b) {
      double sum = of_size * now.n[b];
      grad.n[b] += of_size * q[b];
      for (int64_t a = 0; a < d; ++a) {
        sum += now.c[a * d + b] * grad_value[a];
        grad.c[a * d + b] += grad_value[a] * q[b];
      }
      grad_u[place(line, 0, head) + b] = sum;
    }
    double grad_added = dot(grad.n, k);
    for (int64_t a = 0; a < d; ++a) {
      double of_key = grad.n[a], of_value = 0;
      for (int64_t b = 0; b < d; ++b) {
        of_key += grad.c[b * d + a] * v[b];
        of_value += grad.c[a * d + b] * k[b];
      }
      grad_added += v[a] * of_value;
      grad_u[place(line, 1, head) + a] = now.added * of_key / sqrt(static_cast<double>(d));
      grad_u[place(line, 2, head) + a] = now.added * of_value;
    }
    double of_i = grad_added * now.added;
    double of_moved = (dot(grad.c, before.c) + dot(grad.n, before.n)) * now.kept;
    const double of_m = grad.m - of_i - of_moved, i = u[place(line, 4, head)];
    if (now.carried) {
      of_moved += of_m;
    } else if (i > 0) {
      of_i += of_m;
    }
    grad_u[place(line, 4, head)] = of_i;
    grad_u[place(line, 5, head)] = of_moved * sigmoid(-u[place(line, 5, head)]);
    grad.m = of_moved;
    for (double& x : grad.c) x *= now.kept;
    for (double& x : grad.n) x *= now.kept;
  }
};

}  // namespace

void mlstm_forward(Case& test) {
  Heads cell(test);
  const int64_t width = test.width, heads = cell.heads, d = cell.d;
  Array &y = test.writes(test.lines() * width), &c_last = test.writes(test.batch * width * d);
  Array &n_last = test.writes(test.batch * width), &m_last = test.writes(test.batch * heads);
  Array& states = test.optional(test.writes(cell.all_chunks() * heads * cell.numbers()));
  for (int64_t b = 0, first = 0; b < test.batch; first += cell.chunks(b++))
    for (int64_t head = 0; head < heads; ++head)
      cell.put(cell.run(b, head, y, states, first).back(), b, head, c_last, n_last, m_last);
  test.run([&] {
    return recurra_mlstm_forward(test.rows(), test.given.width, test.given.threads,
                                 cell.heads_given(), cell.chunk_given(), cell.u.data(),
                                 cell.c_initial.data(), cell.n_initial.data(),
                                 cell.m_initial.data(), y.data(), c_last.data(), n_last.data(),
                                 m_last.data(), states.data());
  });
}

void mlstm_backward(Case& test) {
  Heads cell(test);
  const int64_t width = test.width, heads = cell.heads, d = cell.d;
  Array &y = test.writes(test.lines() * width), &grad_y = test.reads_lines(width);
  Array& states = test.writes(cell.all_chunks() * heads * cell.numbers());
  Array& grad_c_last = test.reads(test.batch * width * d);
  Array& grad_n_last = test.reads(test.batch * width);
  Array& grad_m_last = test.reads(test.batch * heads);
  Array& grad_u = test.writes(test.lines() * (4 * width + 2 * heads));
  Array& grad_c_initial = test.writes(test.batch * width * d);
  Array& grad_n_initial = test.writes(test.batch * width);
  Array& grad_m_initial = test.writes(test.batch * heads);
  for (int64_t b = 0, first = 0; b < test.batch; first += cell.chunks(b++))
    for (int64_t head = 0; head < heads; ++head) {
      const std::vector<State> all = cell.run(b, head, y, states, first);
      const int64_t own = b * heads + head;
      State grad{state_of(grad_c_last, own, d * d), state_of(grad_n_last, own, d),
                 grad_m_last[own]};
      for (int64_t t = test.layout.length[b] - 1; t >= 0; --t)
        cell.back(grad, all[t], all[t + 1], test.layout.line(b, t), head, grad_y, grad_u);
      cell.put(grad, b, head, grad_c_initial, grad_n_initial, grad_m_initial);
    }
  test.holds(y), test.holds(states);
  test.run([&] {
    return recurra_mlstm_backward(
        test.rows(), test.given.width, test.given.threads, cell.heads_given(), cell.chunk_given(),
        cell.u.data(), cell.c_initial.data(), cell.n_initial.data(), cell.m_initial.data(),
        y.data(), states.data(), grad_y.data(), grad_c_last.data(), grad_n_last.data(),
        grad_m_last.data(), grad_u.data(), grad_c_initial.data(), grad_n_initial.data(),
        grad_m_initial.data());
  });
}
