/**
 * What the closed sets of `ingest/quality.ts` mean, in Vietnamese and English: one text for each
 * member, so that a new one cannot be forgotten.
 */
import type { Name } from '../devices/model.ts';
import type { Flag, Qualifier, Reason, TestId } from '../ingest/quality.ts';

export interface FlagMeaning {
  readonly label: Name;
  readonly meaning: Name;
  /** WMO's code list of WaterML 2.0 (open-feeds.md §5; wmo-im/wmds, table 5-08). */
  readonly uri: string;
}

const waterml = 'http://codes.wmo.int/wmdr/WaterML2_0/';

/** QARTOD primary flags. */
export const flagMeanings: Readonly<Record<Flag, FlagMeaning>> = {
  1: {
    label: { vi: 'Tốt', en: 'Good' },
    meaning: {
      vi: 'Giá trị đã qua mọi phép kiểm tra được thực hiện.',
      en: 'The value passed every test that was made.',
    },
    uri: `${waterml}good`,
  },
  2: {
    label: { vi: 'Chưa đánh giá', en: 'Not evaluated' },
    meaning: {
      vi: 'Chưa có phép kiểm tra nào đánh giá được giá trị.',
      en: 'No test could judge the value.',
    },
    uri: `${waterml}unchecked`,
  },
  3: {
    label: { vi: 'Nghi ngờ', en: 'Suspect' },
    meaning: {
      vi: 'Có phép kiểm tra nghi ngờ giá trị; dùng thận trọng.',
      en: 'A test doubts the value: use it with care.',
    },
    uri: `${waterml}suspect`,
  },
  4: {
    label: { vi: 'Không đạt', en: 'Fail' },
    meaning: {
      vi: 'Có phép kiểm tra bác bỏ giá trị; không nên dùng.',
      en: 'A test rejects the value: do not use it.',
    },
    uri: `${waterml}poor`,
  },
  9: {
    label: { vi: 'Thiếu', en: 'Missing' },
    meaning: {
      vi: 'Không có giá trị; lý do được ghi kèm.',
      en: 'There is no value; the reason stands beside it.',
    },
    uri: `${waterml}missing`,
  },
};

export const testMeanings: Readonly<Record<TestId, Name>> = {
  syntax: {
    vi: 'Giá trị đúng dạng mà định dạng của nó yêu cầu.',
    en: 'The value has the form that its format demands.',
  },
  location: {
    vi: 'Vị trí mà số đo cho biết là có thể.',
    en: 'The place that the reading gives is possible.',
  },
  time: {
    vi: 'Thời gian của thiết bị hợp lý so với thời điểm tiếp nhận.',
    en: "The device's time is plausible beside the time of receipt.",
  },
  duplicate: {
    vi: 'Không có giá trị khác cho cùng thời điểm.',
    en: 'No other value claims the same instant.',
  },
  sensorRange: {
    vi: 'Giá trị nằm trong dải mà cảm biến có thể đo.',
    en: 'The value is within what the sensor can report.',
  },
  climatology: {
    vi: 'Giá trị nằm trong khoảng đã gặp trong mùa.',
    en: 'The value is within what the season has seen.',
  },
  spike: {
    vi: 'Giá trị không vọt khỏi cả hai giá trị lân cận.',
    en: 'The value does not leap away from both its neighbours.',
  },
  rateOfChange: {
    vi: 'Giá trị không thay đổi nhanh hơn mức tự nhiên.',
    en: 'The value does not change faster than nature does.',
  },
  flatLine: {
    vi: 'Giá trị có thay đổi trong khoảng thời gian lẽ ra phải thay đổi.',
    en: 'The value has moved within the time in which it should.',
  },
  attenuated: {
    vi: 'Các giá trị dao động đủ mức cần có.',
    en: 'The values vary as much as they should.',
  },
  gap: {
    vi: 'Không có khoảng trống trước giá trị.',
    en: 'No gap lies before the value.',
  },
  multivariate: {
    vi: 'Giá trị phù hợp với các thông số khác của trạm.',
    en: 'The value agrees with the other properties of the station.',
  },
  buddy: {
    vi: 'Giá trị phù hợp với các trạm lân cận.',
    en: 'The value agrees with the neighbouring stations.',
  },
  seasonal: {
    vi: 'Giá trị phù hợp với diễn biến theo mùa của chuỗi.',
    en: 'The value fits the seasonal course of its series.',
  },
  deviceStatus: {
    vi: 'Thiết bị không tự báo lỗi.',
    en: 'The device reported no fault of its own.',
  },
  drift: {
    vi: 'Chuỗi không trôi khỏi chuẩn tham chiếu.',
    en: 'The series has not drifted from its reference.',
  },
};

/** What a digit of `tests` says. */
export const digitMeanings: Readonly<Record<'1' | '2' | '3' | '4' | '9', Name>> = {
  1: { vi: 'đạt', en: 'passed' },
  2: { vi: 'chưa đánh giá', en: 'not evaluated' },
  3: { vi: 'nghi ngờ', en: 'suspect' },
  4: { vi: 'không đạt', en: 'failed' },
  9: { vi: 'thiếu giá trị', en: 'missing value' },
};

export const qualifierMeanings: Readonly<Record<Qualifier, Name>> = {
  CALIB: {
    vi: 'Trong lúc hiệu chuẩn thiết bị.',
    en: 'During a calibration of the instrument.',
  },
  MAINT: { vi: 'Trong lúc bảo trì.', en: 'During maintenance.' },
  FAULT: { vi: 'Thiết bị có sự cố.', en: 'The instrument has a fault.' },
  POWER: { vi: 'Nguồn điện bất thường.', en: 'The power supply is not as it should be.' },
  BDL: { vi: 'Dưới giới hạn phát hiện.', en: 'Below the limit of detection.' },
  EST: { vi: 'Giá trị ước tính.', en: 'An estimated value.' },
  GAPFILL: { vi: 'Giá trị bổ khuyết khoảng trống.', en: 'A value that fills a gap.' },
  CORRECTED: { vi: 'Giá trị đã được hiệu chỉnh.', en: 'A corrected value.' },
  DRIFT: { vi: 'Cảm biến bị trôi.', en: 'The sensor drifts.' },
  RESET: { vi: 'Bộ đếm đã được đặt lại.', en: 'The counter was reset.' },
  SWAP: { vi: 'Thiết bị vừa được thay.', en: 'The instrument was replaced.' },
  LATE: { vi: 'Số liệu đến muộn.', en: 'The reading came late.' },
  BACKFILL: { vi: 'Số liệu được nạp bù về sau.', en: 'The reading was supplied afterwards.' },
  CLOCK: { vi: 'Đồng hồ của thiết bị không đúng.', en: "The device's clock is not right." },
  MANUAL: { vi: 'Nhập hoặc sửa thủ công.', en: 'Entered or changed by hand.' },
};

export const reasonMeanings: Readonly<Record<Reason, Name>> = {
  MISSING: {
    vi: 'Thiết bị không gửi gì, hoặc gửi giá trị rỗng.',
    en: 'The device sent nothing, null or not-a-number for it.',
  },
  SENTINEL: {
    vi: 'Thiết bị gửi mã riêng của nó cho "không có giá trị".',
    en: 'The device sent its own code for "no value".',
  },
  ERASED: { vi: 'Đã xoá theo quy định của pháp luật.', en: 'Erased by law.' },
  DEVICE_STATUS: {
    vi: 'Trạng thái của thiết bị cho biết đây không phải số đo.',
    en: "The device's own status says that this is not a measurement.",
  },
};
