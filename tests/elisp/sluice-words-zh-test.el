;;; sluice-words-zh-test.el --- Tests of sluice-words-zh.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; What the lists look like in Chinese.  That the table is whole is held by test_words.py.

;;; Code:

(require 'fake-daemon)
(require 'sluice-calls)
(require 'sluice-limits)
(require 'sluice-usage)

(ert-deftest sluice-words-zh-test-log ()
  "The newest calls: titles, states and times are Chinese, and the columns are aligned."
  (let ((sluice-language "zh"))
    (fake-daemon-with
      (fake-daemon-set :calls [(:id "c3" :state "failed" :client "curl" :model "gpt-4o" :host "h"
                                    :started_at 1000 :duration_s 1.25 :line "没有余额。")
                               (:id "c2" :state "cancelled" :client "中文客户端" :model "大模型" :host "h2"
                                    :started_at 990 :duration_s 61.5)])
      (fake-daemon-in-width 120
        (sluice-log)
        (fake-daemon-until sluice-dashboard--state)
        (should (equal '("时间" "状态" "用时" "客户端" "模型" "发生了什么")
                       (mapcar #'car tabulated-list-format)))
        (goto-char (point-min))
        (let ((columns (lambda (&rest cells)
                         (mapcar (lambda (cell)
                                   (beginning-of-line)
                                   (search-forward cell (line-end-position))
                                   (goto-char (match-beginning 0))
                                   (current-column))
                                 cells))))
          (should (equal (funcall columns "! 失败" "curl" "gpt-4o" "没有余额。")
                         (progn (search-forward "\n")
                                (funcall columns "已取消" "中文" "大模型" "h2")))))
        (should (string-search "61.5 秒" (buffer-string)))))))

(ert-deftest sluice-words-zh-test-limits ()
  "The words for dimensions and periods fit into their column."
  (let ((sluice-language "zh"))
    (fake-daemon-with
      (with-temp-buffer
        (fake-daemon-in-width 120 (sluice-limits-mode))
        (let ((line (sluice-limits--line
                     (list :id '("h" "m" "k" 0)
                           :dim '(:dimension "output_tokens" :period "minute" :limit 100 :used 5 :source "guess"))
                     0)))
          (should (equal "输出 token/分钟" (aref (cadr line) 2)))
          (should (equal "推测" (aref (cadr line) 6)))
          (should (<= (string-width (aref (cadr line) 2)) (nth 1 (aref tabulated-list-format 2)))))))))

(ert-deftest sluice-words-zh-test-usage ()
  "A table of sums is aligned under Chinese titles."
  (let ((sluice-language "zh"))
    (with-temp-buffer
      (sluice-usage--insert-sums
       '(:by "model" :total (:calls 3 :failed 1 :input 9 :output 9 :cached_input 0)
             :rows ((:model "大模型" :calls 3 :failed 1 :input 9 :output 9 :cached_input 0))))
      (let ((lines (split-string (string-trim-right (buffer-string)) "\n")))
        (should (string-prefix-p "模型    请求  失败  输入  输出  缓存" (car lines)))
        (should (= 1 (length (delete-dups (mapcar #'string-width lines)))))))))

(provide 'sluice-words-zh-test)
;;; sluice-words-zh-test.el ends here
