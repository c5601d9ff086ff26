/** Runs beside the sound: samples of the microphone at another rate, in portions. */

const ZEROS = 12; // crossings of the filter, each way

/** A windowed sinc, moved over the samples: what is above half of the lower rate is left out. */
class Recorder extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate, portion } }) {
    super();
    this.step = sampleRate / rate; // samples of the microphone for one of ours
    this.reach = ZEROS * Math.max(this.step, 1);
    this.kept = [];
    this.next = this.reach; // place of the next of ours among those that are kept
    this.portion = new Float32Array(portion);
    this.filled = 0;
  }

  process([channels]) {
    if (!channels?.length) return true;
    this.kept.push(...channels[0]);
    for (; this.next + this.reach < this.kept.length; this.next += this.step) {
      this.portion[this.filled++] = this.at(this.next);
      if (this.filled < this.portion.length) continue;
      this.port.postMessage(this.portion.slice());
      this.filled = 0;
    }
    const over = Math.max(0, Math.floor(this.next - this.reach));
    this.kept.splice(0, over);
    this.next -= over;
    return true;
  }

  at(place) {
    const width = Math.max(this.step, 1);
    let [sum, weights] = [0, 0];
    for (let i = Math.ceil(place - this.reach); i < place + this.reach; i++) {
      const x = (i - place) / width;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
      const weight = sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / ZEROS));
      sum += weight * this.kept[i];
      weights += weight;
    }
    return sum / weights;
  }
}

registerProcessor("recorder", Recorder);
