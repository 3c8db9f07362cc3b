// The virtual clock of a user's Worker: Date counts the log's time, and stands still in a request.
let now = 0;

export const setClock = (milliseconds) => (now = Math.floor(milliseconds));
export const seconds = () => now / 1000;

const RealDate = Date;

globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    given.length ? super(...given) : super(now);
  }
  static now() {
    return now;
  }
};
